"""Where the page is, which other pages may ask, and what Gradio is told of a request.

A browser says in Origin and Sec-Fetch-Site whose page a request comes from, and no page can forge
them; programs such as curl say nothing, and act for nobody else.
"""

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from serving.errors import Refusal

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
# Names of this machine that no other can have: browsers ask no DNS for them.
OWN_MACHINE = re.compile(r"(?ai)(localhost|127\.0\.0\.1|\[?::1\]?)(:\d{1,5})?")
# What proxies and tunnels add on the way from somewhere else.
FORWARDING = re.compile(r"x-forwarded-.*|forwarded|via|x-real-ip|cf-connecting-ip")
# Headers of which Gradio would make addresses.
UNTRUSTED = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)  # gradio_client sends a UUID


@dataclass
class Site:
    """Where the page is reached.

    `root` is "", "/digits" or "https://name/digits", as --root-path says; `hosts` are the names
    that it answers to, all without any; `public_address` is that of a public link.
    """

    root: str = ""
    hosts: tuple[str, ...] = ()
    public_address: str | None = None
    is_starting: bool = False  # while Gradio asks itself whether it answers

    def __post_init__(self) -> None:
        self.root = self.root.rstrip("/")
        self.prefix = urlsplit(self.root).path
        self.space = os.environ.get("SPACE_HOST")  # set by Hugging Face Spaces
        frames = ["https://huggingface.co", f"https://{self.space}"] if self.space else []
        self.others = [*frames, *re.findall("^https?://[^/]+", self.root)]

    def strip_prefix(self, path: str) -> str:
        """`path` below the prefix, whether or not a proxy has taken it off."""
        if self.prefix and f"{path}/".startswith(f"{self.prefix}/"):
            return path[len(self.prefix) :] or "/"
        return path

    def check_host(self, scope: Scope) -> None:
        """Raise Refusal for a Host that is not one of `hosts`."""
        name = Headers(scope=scope).get("host", "").rpartition(":")
        name = name[0] if name[2].isdecimal() else "".join(name)
        own = OWN_MACHINE.fullmatch(name)
        if self.hosts and not own and not any(fnmatchcase(name, host) for host in self.hosts):
            raise Refusal(
                400, "this server goes by other names: see its address", code="unknown_host"
            )

    def check_origin(self, scope: Scope) -> None:
        """Raise Refusal where a page that belongs elsewhere would change something here."""
        headers = Headers(scope=scope)
        origin, site, host = (headers.get(key) for key in ("origin", "sec-fetch-site", "host"))
        if scope["method"] in SAFE or site == "same-origin" or origin in self.others:
            return
        if site == "cross-site" or origin not in (None, f"http://{host}", f"https://{host}"):
            words = "this comes from a page of another site, which may not ask here"
            raise Refusal(403, words, code="foreign_origin")

    def address(self, scope: Scope) -> str | None:
        """The page's whole address without a slash at its end; None where the Host is unknown."""
        host, (name, port) = Headers(scope=scope).get("host"), scope.get("server") or ("", None)
        if self.is_starting:
            return None
        if "://" in self.root:
            return self.root
        if self.public_address == f"https://{host}":
            return self.public_address
        if self.space == host or self.hosts:  # only those have come so far
            scheme = "https" if self.space == host else scope["scheme"]
            return f"{scheme}://{host}{self.prefix}"
        known = host in (f"{name}:{port}", f"localhost:{port}")
        return f"{scope['scheme']}://{host}{self.prefix}" if known else None


def is_own_machine(host: str) -> bool:
    """Whether `host`, a Host header or an address to listen at, is nobody's but this machine's."""
    return OWN_MACHINE.fullmatch(host) is not None


def from_own_machine(scope: Scope) -> bool:
    """Whether a request names this machine and passed no proxy on its way here."""
    headers = Headers(scope=scope)
    forwarded = any(FORWARDING.fullmatch(name) for name in headers)
    forwarded |= scope["http_version"] == "1.0"  # as nginx asks: no browser does
    return is_own_machine(headers.get("host", "")) and not forwarded


def strip_untrusted_headers(scope: Scope, address: str) -> Scope:
    """`scope` for Gradio, which makes addresses of some headers and names of files of a query."""
    headers = [(name, value) for name, value in scope["headers"] if name not in UNTRUSTED]
    headers.append((b"x-gradio-server", address.encode()))
    pairs = parse_qsl(scope["query_string"].decode("latin-1"))
    query = [(k, v) for k, v in pairs if k == "session_hash" and SESSION.fullmatch(v)]
    return {**scope, "headers": headers, "query_string": urlencode(query).encode()}
