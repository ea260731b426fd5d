"""As much of the Hugging Face Hub's HTTP interface as sharing a network needs, on loopback."""

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

COMMIT = "c" * 40


class Hub(http.server.ThreadingHTTPServer):
    """`repositories` holds the files of each, by name; `token` is the one that may write."""

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token = token
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, code: int, content: object, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "whoami-v2"]:
            known = self.headers["Authorization"] == f"Bearer {self.server.token}"
            return self.answer(200 if known else 401, {"name": "me", "type": "user", "orgs": []})
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        files = self.server.repositories.get(name)
        if files is None:
            return self.answer(404, {}, X_Error_Code="RepoNotFound")
        if "tree" in parts:
            entry = {"type": "file", "oid": "0" * 40}
            return self.answer(200, [{**entry, "path": f, "size": len(files[f])} for f in files])
        if parts[0] == "api":
            listed = [{"rfilename": file} for file in files]
            return self.answer(200, {"id": name, "sha": COMMIT, "siblings": listed})
        content = files[parts[-1]]  # USER/NAME/resolve/COMMIT/FILE
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self.answer(200, content, ETag=etag, X_Repo_Commit=COMMIT)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/repos/create":
            name = f"me/{json.loads(content)['name']}"
            self.server.repositories.setdefault(name, {})
            return self.answer(200, {"url": f"{self.server.address}/{name}"})
        if self.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        name = "/".join(self.path.split("/")[3:5])
        if self.path.endswith("/preupload/main"):
            files = json.loads(content)["files"]
            modes = [{"path": f["path"], "uploadMode": "regular"} for f in files]
            return self.answer(200, {"files": [{**mode, "shouldIgnore": False} for mode in modes]})
        for line in map(json.loads, content.splitlines()):  # a commit
            if line["key"] == "file":
                file = line["value"]
                self.server.repositories[name][file["path"]] = base64.b64decode(file["content"])
        url = f"{self.server.address}/{name}/commit/{COMMIT}"
        return self.answer(200, {"commitUrl": url, "commitOid": COMMIT})


@contextmanager
def served(token: str) -> Iterator[Hub]:
    with Hub(token) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        yield hub
        hub.shutdown()
