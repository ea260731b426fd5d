"""The page's addresses, the origins that may use it, and the headers that Gradio gets.

Browsers set Origin and Sec-Fetch-Site, which no page can forge. Programs such as curl send neither.
"""

import os
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from serving.errors import Refusal

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
# Names that only this machine can have, as browsers don't look them up.
OWN_MACHINE = re.compile(r"(?ai)(localhost|127\.0\.0\.1|\[?::1\]?)(:\d{1,5})?")
# Headers that proxies and tunnels add.
FORWARDING = re.compile(r"x-forwarded-.*|forwarded|via|x-real-ip|cf-connecting-ip")
# Gradio makes addresses from these headers, and grants CORS to the Origin.
UNTRUSTED = (b"host", b"origin", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
SESSION = "[A-Za-z0-9_-]{1,64}"  # gradio_client sends a UUID


class Site:
    """The addresses of the page.

    `root` is --root-path: "", "/digits" or "https://name/digits". `public_address` is the public
    link, `is_starting` true while Gradio sends requests to itself.
    """

    def __init__(self, root: str = "") -> None:
        self.root = root.rstrip("/")
        self.prefix = urlsplit(self.root).path
        self.public_address: str | None = None
        self.is_starting = False
        space = os.environ.get("SPACE_HOST")  # set by Hugging Face Spaces
        self.space = space and f"https://{space}"
        # Other origins that may send requests: a Space's frame, and `root` behind a proxy that does
        # not pass on the Host.
        self.others = ["https://huggingface.co", self.space] if self.space else []
        self.others += re.findall("^https?://[^/]+", self.root)

    def address(self) -> str | None:
        """Return the whole address for links to other people; None if it is unknown."""
        return self.root if "://" in self.root else self.public_address or self.space

    def strip_prefix(self, path: str) -> str:
        """Return `path` without the prefix, which a proxy may have removed already."""
        if self.prefix and f"{path}/".startswith(f"{self.prefix}/"):
            return path[len(self.prefix) :] or "/"
        return path

    def check_origin(self, scope: Scope) -> None:
        """Raise Refusal if a page of another site would change something here."""
        headers = Headers(scope=scope)
        origin, site, host = (headers.get(key) for key in ("origin", "sec-fetch-site", "host"))
        if scope["method"] in SAFE or site == "same-origin" or origin in self.others:
            return
        if site == "cross-site" or origin not in (None, f"http://{host}", f"https://{host}"):
            raise Refusal("foreign_origin", "requests from pages of other sites are not allowed")

    def strip_untrusted_headers(self, scope: Scope) -> Scope:
        """Return `scope` without UNTRUSTED headers, and with the root for Gradio.

        Only the session's name stays in the query, from which Gradio makes names of files.
        """
        headers = [(name, value) for name, value in scope["headers"] if name not in UNTRUSTED]
        headers.append((b"x-gradio-server", (self.root or "/").encode()))
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        query = [(k, v) for k, v in pairs if k == "session_hash" and re.fullmatch(SESSION, v)]
        return {**scope, "headers": headers, "query_string": urlencode(query).encode()}


def is_own_machine(host: str) -> bool:
    """Whether `host`, a Host header or an address to listen on, can only be this machine."""
    return OWN_MACHINE.fullmatch(host) is not None


def from_own_machine(scope: Scope) -> bool:
    """Whether a request names this machine and passed no proxy."""
    headers = Headers(scope=scope)
    forwarded = any(FORWARDING.fullmatch(name) for name in headers)
    forwarded |= scope["http_version"] == "1.0"  # nginx's, but no browser's
    return is_own_machine(headers.get("host", "")) and not forwarded
