"""What benchmarks/fuzz.py sends: requests that no browser makes, each with its right answers.

Wherever there is room in one for a word, it holds the request's own, the `mark`: an answer that
has it echoes what was sent. Addresses in them lead to this machine alone.
"""

import base64
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from PIL import Image

from benchmarks.fuzz_pictures import costly_pictures, png_of

GOOD = {"strokes": [[[30, 22], [70, 22], [45, 80]]]}  # a 7

# Right answers: a 503 has Retry-After, and "cut" is a connection that the server has closed.
REFUSED = frozenset({400, 401, 403, 404, 405, 406, 408, 411, 413, 414, 415, 422, 429, 431, 503})
READ = REFUSED | {200}
NOT_READ = frozenset({400, 413, 422, 503})
NOT_LOGGED_IN = frozenset({401, 403, 404, 429, 503})
WRONG_PASSWORD = frozenset({400, 401, 403, 422, 429, 503})
ANOTHER_SITE = frozenset({403, 405})  # the second where a browser asks first if it may
NO_REQUEST = REFUSED | {200, 307, "cut", "no answer"}
TOO_SLOW = frozenset({400, 408, 431, "cut"})

ODD = [None, True, 0, -1, 1.5, 1e308, 10**400, "", "7", "${1+1}", "<script>alert(1)</script>",
       "../../../etc/passwd", "\x00", "\ud800", "é" * 5000, [], {}, [[]], [[[]]], [[[1]]],
       [[[1, 2, 3]]], [[["1", "2"]]], [[[None, 1]]], [[[True, False]]], [[1, 2]], {"0": 1},
       [[[1e7, 0]]], [[[0, 0]]] * 101, [[[0, 0]] * 8001], [[[1, 2], [3]]]]  # fmt: skip
RAW = [b"NaN", b"[[[Infinity, 1]]]", b"[" * 100_000, b'{"strokes": ' + b"[" * 5000, b"",
       b"\xff\xfe", b"{", b'"' + b"a" * 2_000_000, b"\x1f\x8b\x08\x00", b'{"strokes": 1e99999}',
       b'{"strokes": ' + b"9" * 10_000 + b"}"]  # fmt: skip
ENDPOINTS = ["gradio_api/call/predict", "gradio_api/call/predict_image",
             "gradio_api/call/v2/predict", "gradio_api/call/v2/predict_image",
             "gradio_api/queue/join"]  # fmt: skip
MCP_ACCEPT = "application/json, text/event-stream"
SHUT = ["gradio_api/upload", "gradio_api/component_server", "gradio_api/file=/etc/passwd",
        "gradio_api/proxy=http://127.0.0.1:1/", "gradio_api/process_recording", "monitoring",
        "gradio_api/run/predict", "gradio_api/reset", "gradio_api/cancel", "gradio_api/vibe-code/",
        "assets/..%2f..%2f..%2fetc%2fpasswd", "static/%2e%2e/%2e%2e/etc/passwd",
        "file=/etc/passwd", "gradio_api/stream/1", "gradio_api/heartbeat/../x",
        "gradio_api/dev/reload", "%00", "\u202e", "gradio_api/custom_component/1/client/x",
        "gradio_api/deep_link?session_hash=x", "docs", "redoc", "svelte/%00", "assets/a%5c..%5cb",
        "network/{mark}.bin", "network/..%2f..%2fweights%2fmnist.safetensors",
        "network/" + "a" * 9000 + ".bin", "network/.bin", "network/%00.bin", "network/x.bin?{mark}",
        "ui/{mark}.js", "ui/000000000000/recognizer/{mark}.js", "ui/000000000000/../../app.py",
        "ui/000000000000/%2e%2e/%2e%2e/app.py", "ui//etc/passwd", "ui/texts.json",
        "static/" + "a" * 9000, "pwa_icon/99999999", ".git/config", "app.py", "corrections/-1",
        "corrections/1e9", "corrections/%31%2f..", "{mark}", "login/{mark}"]  # fmt: skip


@dataclass(frozen=True)
class Given:
    """What an attack is made with; `trap` is an address at which nobody may ask."""

    chance: random.Random
    mark: str
    trap: str
    password: bool = False  # whether the server asks for one

    def choice(self, *values: Any) -> Any:
        return self.chance.choice(values)


@dataclass(frozen=True)
class Attack:
    """A request, as `httpx.request` takes it, or the bytes of a connection.

    `more` is sent byte by byte after them, for as long as the server waits.
    """

    endpoint: str
    request: dict | bytes
    right: frozenset = REFUSED
    more: bytes | None = None
    stranger: bool = False  # sent without the login that others have
    ends_login: bool = False  # if the server obeys

    @property
    def origin(self) -> str | None:
        """Of the page that asks, if it says so."""
        is_bytes = isinstance(self.request, bytes)
        return None if is_bytes else self.request.get("headers", {}).get("origin")


def post(address: str, content: str | bytes, **headers: str) -> dict:
    """What `httpx.request` takes to post it as JSON."""
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    head = {"content-type": "application/json", **headers}
    return {"method": "POST", "url": address, "content": content, "headers": head}


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


# Drawings and pictures -------------------------------------------------------


def drawing(given: Given) -> Attack:
    """A good drawing in which one place, or what is around it, is something odd."""
    paper = json.loads(json.dumps(GOOD))
    holder, key = given.choice(
        (paper, "strokes"), (paper["strokes"], 0), (paper["strokes"][0], 1),
        (paper["strokes"][0][0], 0),
    )  # fmt: skip
    fine = ([], [[]], 0, -1, 1.5) if holder is not paper["strokes"] else ([], [[1, 2]])
    holder[key] = given.choice(given.mark, *(odd for odd in ODD if odd not in fine))
    if given.chance.random() < 0.2:
        paper = given.choice(None, [], 7, given.mark, {"details": given.mark}, [paper])
    return Attack("/recognize strokes", post("recognize", json.dumps(paper)), NOT_READ)


def picture(given: Given) -> Attack:
    """A data URL that is none, or a picture that is damaged, enormous or another format's."""
    file = io.BytesIO()
    kind = given.choice("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")
    Image.new("L", (given.choice(1, 28, 2000), 28), 255).save(file, kind)
    content = bytearray(file.getvalue())
    if kind in ("PNG", "JPEG", "WEBP"):  # the others are refused as they are
        del content[given.chance.randrange(4, 12) :]
    if given.chance.random() < 0.2:
        content = png_of(60_000, 60_000)
    url = data_url(content)
    url = given.choice(url, url[:-3] + "*", url.replace("base64", "base32"), given.trap, given.mark)
    return Attack("/recognize picture", post("recognize", json.dumps({"picture": url})))


def costly_picture(given: Given) -> Attack:
    """A small file that asks for a lot of work: refused where only a bound on its parts helps."""
    name, content = given.choice(*costly_pictures().items())
    right = NOT_READ if name in ("scans", "text", "profiles") else READ
    if given.chance.random() < 0.3:
        envelope = json.dumps({"picture": data_url(content)})
        # Gradio's answer to a picture is fetched later.
        return Attack("costly pictures, /predict", post(ENDPOINTS[3], envelope), READ)
    request = post("recognize", json.dumps({"picture": data_url(content)}))
    return Attack(f"costly pictures, {name}", request, right)


# Envelopes of Gradio's and values that name something --------------------------


def body(given: Given) -> Attack:
    """Bytes that are not JSON, or too many of them, to any endpoint that takes some."""
    address = given.choice("recognize", "corrections", *ENDPOINTS, "gradio_api/mcp/", "login")
    content = given.choice(*RAW, given.chance.randbytes(given.chance.randrange(1, 300)))
    return Attack(f"/{address} bytes", post(address, content, accept=MCP_ACCEPT), REFUSED | {202})


def envelope(given: Given) -> Attack:
    """JSON that Gradio's own endpoints do not expect."""
    address = given.choice(*ENDPOINTS, "gradio_api/call/other")
    content = {
        "data": given.choice(*ODD, [1], [[[[1]]]], [given.mark, "y"], [given.mark] * 9),
        "fn_index": given.choice(0, 1, 99, -1, "0", None, {}),
        "session_hash": given.choice("x", 7, None, "../x", given.mark * 900, {}),
        "strokes": [[[1, 2]]],
    }
    for key in given.chance.sample(list(content), given.chance.randrange(2)):
        del content[key]
    if isinstance(content.get("data"), list) and len(content["data"]) == 1:
        content["data"] = [*content["data"], 1]  # one value would be read, later and elsewhere
    return Attack(f"/{address} JSON", post(address, json.dumps(content)))


def session(given: Given) -> Attack:
    """A good drawing for Gradio's queue, with a session or a function that is odd."""
    mark = given.mark
    odd = {
        "session_hash": (mark * given.choice(9, 1000, 100_000), f"{mark}/..", f"{mark}\n", 7, None,
                         [mark], {mark: mark}, "\u0661", ""),
        "fn_index": (-1, 10**30, -(10**30), 2**63, 0.0, True, "0", mark, [0], None, {}, 1e400),
    }  # fmt: skip
    right = {"data": [GOOD["strokes"]], "session_hash": "a", "fn_index": 0}
    part = given.choice(*odd)
    envelope = {**right, part: given.choice(*odd[part]), "event_id": mark * 1000}
    return Attack(f"odd {part}", post(ENDPOINTS[4], json.dumps(envelope)))


def event(given: Given) -> Attack:
    """An event that never was, or what other sessions wait for, and somebody who does not wait."""
    mark = given.mark
    odd = given.choice(mark, mark, mark * 9, mark * 1000, f"..%2f{mark}", f"%00{mark}", "\u0661")
    address = given.choice(
        *(f"{address}/{odd}" for address in ENDPOINTS[:4]), f"gradio_api/heartbeat/{odd}",
        f"gradio_api/queue/data?session_hash={odd}", f"gradio_api/queue/data?{odd}",
    )  # fmt: skip
    return Attack("odd event ids", {"method": "GET", "url": address}, READ)


def named(given: Given) -> Attack:
    """A value in which objects name an address or a file, which a server might fetch or copy."""
    value = wrapped(given, named_file(given))
    address = given.choice(*ENDPOINTS, "recognize", "corrections")
    if address == ENDPOINTS[4]:
        envelope = {"data": [value], "fn_index": given.choice(0, 1), "session_hash": given.mark}
        envelope |= given.choice({}, {"event_data": named_file(given), "trigger_id": 1})
    elif "v2" in address or "call" not in address:
        envelope = {"picture" if "image" in address else "strokes": value, "label": 7}
        if "v2" in address:
            del envelope["label"]
    else:
        envelope = {"data": [value], "simple_format": True}
    return Attack("values that name files", post(address, json.dumps(envelope)))


def named_file(given: Given) -> dict:
    """An object such as Gradio's own for a file, of an address of this machine or a path."""
    port = given.trap.split(":")[-1]
    host = given.choice("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0")
    place = given.choice(f"http://{host}:{port}", f"http://{host}:{port}", "/etc/passwd",
                         "file:///etc/passwd", f"/proc/self/{given.mark}")  # fmt: skip
    named = {"path": place, "meta": {"_type": "gradio.FileData"}}
    return given.choice(
        named,
        {**named, "url": place, "orig_name": f"../{given.mark}", "size": -1},
        {"path": None, "url": place, "meta": {"_type": "gradio.FileData"}},
        {"path": place, "is_stream": True, "meta": {"_type": "gradio.FileData"}},
        {"__type__": "update", "value": named},
        {"image": named, "caption": f"{given.mark}\n{given.mark}"},
    )


def wrapped(given: Given, value: Any) -> Any:
    """`value` as it is, deep down in lists and objects, or many times at once."""
    for _ in range(given.choice(0, 1, 2, 3, 30)):
        value = given.choice([value], {given.mark: value}, [[0, 0], value])
    return [value] * given.choice(3, 40, 400) if given.chance.random() < 0.3 else value


def call(given: Given) -> Attack:
    """A good drawing or picture for Gradio's queue, whose answer nobody fetches."""
    session, url = given.mark * given.choice(1, 4), data_url(png_of(1, 1))
    extra = given.choice({}, {given.mark: given.mark}, {"event_data": [given.mark] * 1000})
    address, envelope = given.choice(
        (ENDPOINTS[4], {"data": [GOOD["strokes"]], "fn_index": 0, "session_hash": session}),
        (ENDPOINTS[4], {"data": [url], "fn_index": 1, "session_hash": session}),
        (ENDPOINTS[0], {"data": [GOOD["strokes"]]}),
        (ENDPOINTS[1], {"data": [url]}),
    )
    request = post(address, json.dumps({**envelope, **extra}))
    return Attack("calls that nobody fetches", request, frozenset({200, 503}))


def mcp(given: Given) -> Attack:
    """A message to MCP that is odd, or a call with a value that names an address."""
    tool = given.choice("predict", "predict_image", given.mark, None)
    value = given.choice(wrapped(given, named_file(given)), given.mark, given.trap, *ODD)
    arguments = given.choice({"strokes": value}, {"picture": value}, value, {given.mark: value})
    uri = {"uri": given.choice(given.trap, "file:///etc/passwd")}
    method, params = given.choice(
        ("tools/call", {"name": tool, "arguments": arguments}),
        ("tools/call", {"name": tool, "arguments": arguments}),
        ("initialize", {"protocolVersion": given.mark, "capabilities": value}),
        ("initialize", value), ("tools/list", {"cursor": given.mark}), ("tools/list", value),
        ("resources/read", uri), ("resources/subscribe", uri), ("prompts/get", {"name": value}),
        ("notifications/initialized", value), ("completion/complete", value), (given.mark, value),
        (None, None), ("sampling/createMessage", {"messages": [value] * 9}),
    )  # fmt: skip
    version = given.choice(*["2.0"] * 8, "1.0", None)
    message = {"jsonrpc": version, "id": given.choice(1, 2, -1), "method": method, "params": params}
    if given.chance.random() < 0.2:
        message = given.choice([message] * 9, {**message, "id": [value]}, [], {}, given.mark, None)
    accept = given.choice(*[MCP_ACCEPT] * 8, "application/json", "*/*")
    request = post("gradio_api/mcp/", json.dumps(message), accept=accept)
    if given.chance.random() < 0.2:
        request["headers"] |= {"mcp-session-id": given.mark, "mcp-protocol-version": given.mark}
    if given.chance.random() < 0.1:
        request["method"] = given.choice("GET", "DELETE", "PUT", "OPTIONS")
    return Attack("MCP", request, READ | {202})


# Corrections, addresses, queries, headers --------------------------------------


def correction(given: Given) -> Attack:
    """A correction that is odd, or of nobody, or an odd address of one."""
    content = {**GOOD, "label": given.choice(given.mark, *(odd for odd in ODD if odd != 0))}
    address = given.choice(*["corrections"] * 3, "corrections/1", "corrections/99999999999",
                           "corrections/0", "corrections/9999999999", "corrections/")  # fmt: skip
    method = given.choice("POST", "POST", "POST", "GET", "DELETE")
    token = given.choice(given.mark * 4, "0" * 32, "", "../x", "a" * 9000, "a" * 65, "a" * 15,
                         "'; DROP TABLE corrections; --", given.mark + "\u0661")  # fmt: skip
    request = post(address, json.dumps(content), **{"x-token": token.encode()})
    right = REFUSED if method == "POST" else READ
    return Attack("/corrections", {**request, "method": method}, right | {307})


def path(given: Given) -> Attack:
    """What this page does not serve, or not to anybody."""
    address = given.choice(*SHUT).replace("{mark}", given.mark)
    method = given.choice("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", given.mark.upper())
    request = {"method": method, "url": address, "content": given.choice(*RAW[:6])}
    return Attack("other addresses", request)


def query(given: Given) -> Attack:
    """A query that is odd, or hides what is read of it in escapes."""
    mark = given.mark
    pairs = given.choice(
        f"page={mark}", f"deep_link={mark}", f"%64eep_link=..%2f{mark}", f"deep%5Flink={mark}",
        f"__theme={mark}", f"__theme=%00{mark}", f"view={mark}", f"s%65ssion_hash={mark}",
        f"session_hash={mark * 900}", f"session_hash={mark}&session_hash=..%2F", "session_hash",
        f"all_session=%3Cscript%3E{mark}", f"{mark}", f"{mark}=%ff%fe", "%ff=%ff&&=&;%", "%",
        f"__sign={mark}", f"%25{mark}=%2525", "a" * 9000, f"page=%u0041{mark}", f"root={mark}",
        urlencode({"next": given.trap}), urlencode({mark: f"\0\r\n{mark}: 1"}), f"a[{mark}]=1",
    )  # fmt: skip
    address = given.choice("", "", "config", "gradio_api/info",
                           "gradio_api/openapi.json", "network", "healthz", "theme.css",
                           "gradio_api/startup-events", "manifest.json")  # fmt: skip
    return Attack("odd queries", {"method": "GET", "url": f"{address}?{pairs}"}, READ)


def headers(given: Given) -> Attack:
    """A good drawing with headers that are not."""
    mark = given.mark
    name, value = given.choice(
        ("content-type", f"multipart/form-data; boundary={mark}"), ("content-encoding", "gzip"),
        ("cookie", mark * 2000), ("cookie", f"access-token-{mark}={mark}; a"), (mark, mark),
        ("content-type", mark), ("range", f"bytes=0-0,1-1,{mark}"), ("accept", "*" * 30_000),
        ("accept-encoding", f"{mark};q=9"), ("accept-language", f"{mark}, *"), ("te", mark),
        ("expect", mark), ("upgrade", mark), ("authorization", f"Basic {mark}"), ("via", mark),
        ("if-none-match", mark), ("x-forwarded-for", f"{mark}, 127.0.0.1"), ("forwarded", mark),
        ("x-request-id", mark), ("x-real-ip", mark), ("x-http-method-override", mark),
    )  # fmt: skip
    return Attack("/recognize headers", post("recognize", json.dumps(GOOD), **{name: value}), READ)


# Other sites and other names ---------------------------------------------------


def foreign(given: Given) -> dict[str, str]:
    """Headers of a request that a page of another site makes a browser send."""
    site = {"origin": f"http://{given.mark}.example", "sec-fetch-site": "cross-site"}
    return given.choice(site, {**site, "origin": "null"}, {"origin": site["origin"]})


def page_of_another_site(given: Given) -> Attack:
    """What changes something here, as a page of another site would ask for it."""
    address, content = given.choice(
        ("recognize", GOOD), ("corrections", {**GOOD, "label": given.mark}),
        (ENDPOINTS[0], {"data": [GOOD["strokes"]]}), (ENDPOINTS[2], GOOD),
        (ENDPOINTS[4], {"data": [GOOD["strokes"]], "fn_index": 0, "session_hash": "a"}),
    )  # fmt: skip
    request = post(address, json.dumps(content), **foreign(given))
    if given.chance.random() < 0.3:
        request["headers"]["content-type"] = "text/plain"  # of which no browser asks before
    if given.chance.random() < 0.3:
        request["method"] = "OPTIONS"
        request["headers"] |= {"access-control-request-method": "POST",
                               "access-control-request-headers": given.mark}  # fmt: skip
    return Attack("pages of other sites", request, ANOTHER_SITE)


def reader_of_another_site(given: Given) -> Attack:
    """What changes nothing, asked for by a page of another site, which may not read it."""
    address = given.choice("", "config", "network", "gradio_api/info", "corrections", "healthz")
    host = {"host": f"my-{given.mark}.example"} if given.chance.random() < 0.7 else {}
    request = {"method": "GET", "url": address, "headers": {**foreign(given), **host}}
    return Attack("readers of other sites", request, READ)


def steering(given: Given) -> Attack:
    """Headers that name another host, of which no address may be made."""
    host, scheme = f"{given.mark}.example", given.choice("http", "https", "javascript")
    head = given.choice(
        {"host": host}, {"host": f"{host}:99"}, {"x-forwarded-host": host},
        {"host": host, "x-forwarded-host": host, "x-forwarded-proto": scheme},
        {"x-gradio-server": f"{scheme}://{host}"}, {"x-forwarded-prefix": f"/{given.mark}"},
        {"x-gradio-server": f"{scheme}://{host}", "host": host}, {"referer": f"http://{host}/"},
        {"x-forwarded-proto": f"{given.mark}"}, {"forwarded": f"host={host};proto={scheme}"},
        {"x-original-url": f"/{given.mark}"}, {"host": f"{given.mark}\u00e9"},
    )  # fmt: skip
    address = given.choice("", "", "config", "config/", "gradio_api/info", "gradio_api/info/",
                           "gradio_api/openapi.json", "static", "manifest.json", "login/",
                           "logout", "corrections/", "gradio_api/mcp", "robots.txt")  # fmt: skip
    if address == "logout" and given.password:
        address = ""
    head = {name: value.encode() for name, value in head.items()}
    request: dict | bytes = {"method": "GET", "url": address, "headers": head}
    if given.chance.random() < 0.1:  # as proxies are asked
        request = f"GET http://{host}/{address} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    return Attack("names of other hosts", request, READ | {302, 303, 307, 308, "cut"})


# Passwords ---------------------------------------------------------------------


def login(given: Given) -> Attack:
    """A wrong password, or a form that is none."""
    form = given.choice(
        {"username": given.mark, "password": given.mark}, {"username": "admin", "password": ""},
        {"username": "", "password": given.mark}, {"username": given.mark}, {},
        {"username": given.mark * 9000, "password": given.mark}, {"password": "é\0" + given.mark},
        {"username": [given.mark, "a"], "password": ["b"] * 50},
    )  # fmt: skip
    request = {"method": "POST", "url": "login", "data": form}
    if given.chance.random() < 0.3:
        files = {"username": (given.mark, b"x" * given.choice(1, 500_000)), "password": b"y"}
        request = {"method": "POST", "url": "login", "files": files}
    if given.chance.random() < 0.3:
        words = base64.b64encode(f"{given.mark}:{given.mark}".encode()).decode()
        given_so = given.choice(f"Basic {words}", f"Bearer {words}", f"Basic {given.mark}", "Basic")
        request = post("recognize", json.dumps(GOOD), authorization=given_so)
    return Attack("wrong passwords", request, WRONG_PASSWORD, stranger=True)


def logout(given: Given) -> Attack:
    """What would end the login of a visitor, from a page of another site."""
    method = given.choice("GET", "GET", "POST")
    request = {"method": method, "url": given.choice("logout", "logout?all_session=true"),
               "headers": foreign(given)}  # fmt: skip
    right = READ if method == "GET" else REFUSED  # GET may show a button
    return Attack("logout from other sites", request, right, ends_login=True)


def without_login(given: Given) -> Attack:
    """What is for those alone who are logged in, asked for without it or with a made-up one."""
    drawing = json.dumps({"data": [GOOD["strokes"]], "fn_index": 0, "session_hash": "a"})
    call = {"name": "predict", "arguments": GOOD}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": MCP_ACCEPT}
    request = given.choice(
        post("recognize", json.dumps(GOOD)), post("corrections", json.dumps({**GOOD, "label": 7})),
        {"method": "GET", "url": "corrections"}, {"method": "GET", "url": "network"},
        {"method": "DELETE", "url": "corrections/1"}, {"method": "GET", "url": "gradio_api/info"},
        post(ENDPOINTS[0], drawing), post(ENDPOINTS[2], json.dumps(GOOD)),
        post(ENDPOINTS[4], drawing), {"method": "GET", "url": f"{ENDPOINTS[0]}/{given.mark}"},
        post("gradio_api/mcp/", json.dumps(message), **accept),
        post("gradio_api/mcp/", json.dumps(listing), **accept),
    )  # fmt: skip
    made_up = {"cookie": f"access-token-unsecure-{given.mark}={given.mark}; access-token=x"}
    request["headers"] = {**request.get("headers", {}), **given.choice({}, made_up)}
    request["headers"]["x-token"] = "0" * 32
    return Attack("without a login", request, NOT_LOGGED_IN, stranger=True)


# The wire ----------------------------------------------------------------------


def not_http(given: Given) -> Attack:
    """Bytes on the wire that are no request, or half of one."""
    mark, begin = given.mark.encode(), b"POST /recognize HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    content = given.choice(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\x00" * 4096,
        begin + b"Content-Length: -5\r\n\r\n", begin + b"Content-Length: 10\r\n\r\n{",
        begin + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", b"PRI * HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", mark * 20_000,
        b"GET /" + mark + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"\r\n" * 5000,
        b"GET /ui/../" + mark + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
        b"GET //" + mark + b".example/%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: " + mark + b"\r\n\r\n",
        b"GET /" + mark + b"\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    )  # fmt: skip
    return Attack("not HTTP", content, NO_REQUEST)


def lengths(given: Given) -> Attack:
    """A request of two lengths, the shorter of which would leave a request of its own."""
    hidden = b"GET /" + given.mark.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    length, shorter = b"Content-Length: %d\r\n" % (5 + len(hidden)), b"Content-Length: 5\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    head = given.choice(
        length + chunked, chunked + length, length + shorter, shorter + length,
        length + b"Transfer-Encoding: identity\r\n", length + b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 5, %d\r\n" % (5 + len(hidden)), length + b"Transfer-Encoding: x\r\n",
        chunked + b"Transfer-Encoding: identity\r\n" + length, b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n", b"Content-Length: 5 5\r\n", length + b"\tchunked\r\n",
    )  # fmt: skip
    start = b"POST /recognize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    content = start + head + b"\r\n" + b"0\r\n\r\n" + hidden
    return Attack("two lengths", content, frozenset({400, "cut"}))


def slow_head(given: Given) -> Attack:
    """A connection on which the head of a request comes byte by byte, or nothing at all."""
    begin = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    content, more = given.choice((begin + b"x: ", b"a"), (begin, b"x:y\r\n"), (b"GET /", b"a"))
    return Attack("slow heads", content, TOO_SLOW, more)


def silence(given: Given) -> Attack:
    """A connection on which nothing comes, or nothing more."""
    content = given.choice(b"", b"G", b"GET / HTTP/1.1\r\n")
    return Attack("silent connections", content, TOO_SLOW, b"")


def slow_body(given: Given) -> Attack:
    """A request whose body comes byte by byte, or never."""
    address = given.choice("recognize", "corrections", *ENDPOINTS).encode()
    begin = b"POST /" + address + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    length = given.choice(b"20", b"1000000")
    content, more = given.choice(
        (begin + b"Content-Length: " + length + b"\r\n\r\n{", b""),
        (begin + b"Content-Length: 1000000\r\n\r\n{", b" "),
        (begin + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (begin + b"Transfer-Encoding: chunked\r\n\r\n1", b""),
    )
    return Attack("slow bodies", content, TOO_SLOW, more)


# How often each comes; those of a login only where there is one.
KINDS: dict[Callable[[Given], Attack], float] = {
    drawing: 8, picture: 4, costly_picture: 1, body: 2, envelope: 3, session: 2, event: 1,
    named: 4, call: 2, mcp: 2, correction: 3, path: 3, query: 3, headers: 2,
    page_of_another_site: 2, reader_of_another_site: 1, steering: 2, not_http: 0.5, lengths: 0.5,
    slow_head: 0.05, silence: 0.05, slow_body: 0.1,
}  # fmt: skip
OF_A_LOGIN: dict[Callable[[Given], Attack], float] = {login: 1, logout: 0.5, without_login: 2}


def attack(given: Given, kinds: list[str]) -> Attack:
    """One of these kinds, by the names of their functions above."""
    weights = KINDS | OF_A_LOGIN if given.password else KINDS
    chosen = {kind: weight for kind, weight in weights.items() if kind.__name__ in kinds}
    (kind,) = given.chance.choices(list(chosen), weights=list(chosen.values()))
    return kind(given)
