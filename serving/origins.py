"""Where the page is, which other pages may ask, and what Gradio is told of a request.

A browser says in Origin and Sec-Fetch-Site whose page a request comes from, and no page can forge
them; programs such as curl say nothing, and act for nobody else.
"""

import os
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from serving.errors import Refusal

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
# Names of this machine that no other can have: browsers ask no DNS for them.
OWN_MACHINE = re.compile(r"(?ai)(localhost|127\.0\.0\.1|\[?::1\]?)(:\d{1,5})?")
# What proxies and tunnels add on the way from somewhere else.
FORWARDING = re.compile(r"x-forwarded-.*|forwarded|via|x-real-ip|cf-connecting-ip")
# Gradio makes addresses of these headers, and lets the page that is named by Origin read.
UNTRUSTED = (b"host", b"origin", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
SESSION = "[A-Za-z0-9_-]{1,64}"  # gradio_client sends a UUID


class Site:
    """Where the page is reached.

    `root` is "", "/digits" or "https://name/digits", as --root-path says; `public_address` is that
    of a public link; `is_starting` while Gradio asks itself whether it answers.
    """

    def __init__(self, root: str = "") -> None:
        self.root = root.rstrip("/")
        self.prefix = urlsplit(self.root).path
        self.public_address: str | None = None
        self.is_starting = False
        space = os.environ.get("SPACE_HOST")  # set by Hugging Face Spaces
        self.space = space and f"https://{space}"
        # Pages that may ask beside this server's own: the frame around a Space, and the page as a
        # proxy shows it that does not hand on the Host.
        self.others = ["https://huggingface.co", self.space] if self.space else []
        self.others += re.findall("^https?://[^/]+", self.root)

    def address(self) -> str | None:
        """The whole address for links that are sent to others; None where it is not known."""
        return self.root if "://" in self.root else self.public_address or self.space

    def strip_prefix(self, path: str) -> str:
        """`path` below the prefix, whether or not a proxy has taken it off."""
        if self.prefix and f"{path}/".startswith(f"{self.prefix}/"):
            return path[len(self.prefix) :] or "/"
        return path

    def check_origin(self, scope: Scope) -> None:
        """Raise Refusal where a page of another site would change something here."""
        headers = Headers(scope=scope)
        origin, site, host = (headers.get(key) for key in ("origin", "sec-fetch-site", "host"))
        if scope["method"] in SAFE or site == "same-origin" or origin in self.others:
            return
        if site == "cross-site" or origin not in (None, f"http://{host}", f"https://{host}"):
            words = "this comes from a page of another site, which may not ask here"
            raise Refusal(403, words, code="foreign_origin")

    def strip_untrusted_headers(self, scope: Scope) -> Scope:
        """`scope` without headers from which Gradio makes addresses, and with the root instead.

        Of the query, of which Gradio makes names of files, a session's name is left.
        """
        headers = [(name, value) for name, value in scope["headers"] if name not in UNTRUSTED]
        headers.append((b"x-gradio-server", (self.root or "/").encode()))
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        query = [(k, v) for k, v in pairs if k == "session_hash" and re.fullmatch(SESSION, v)]
        return {**scope, "headers": headers, "query_string": urlencode(query).encode()}


def is_own_machine(host: str) -> bool:
    """Whether `host`, a Host header or an address to listen at, is nobody's but this machine's."""
    return OWN_MACHINE.fullmatch(host) is not None


def from_own_machine(scope: Scope) -> bool:
    """Whether a request names this machine and passed no proxy on its way here."""
    headers = Headers(scope=scope)
    forwarded = any(FORWARDING.fullmatch(name) for name in headers)
    forwarded |= scope["http_version"] == "1.0"  # as nginx asks: no browser does
    return is_own_machine(headers.get("host", "")) and not forwarded
