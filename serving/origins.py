"""Whose pages may ask, and what Gradio is told of a request.

A browser says in Origin and Sec-Fetch-Site whose page a request comes from, and no page can forge
them; programs such as curl say nothing, and act for nobody else.
"""

import os
import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.types import Scope

from serving.envelopes import NAME
from serving.errors import Refusal

SAFE = ("GET", "HEAD", "OPTIONS")  # they change nothing
# Names of this machine that no other can have: what DNS says of them nobody asks.
OWN_MACHINE = re.compile(r"(?ai)(localhost|127\.0\.0\.1|\[?::1\]?)(:\d{1,5})?")
# What proxies and tunnels add, on the way from somewhere else.
FORWARDING = re.compile(r"x-forwarded-.*|forwarded|via|x-real-ip|cf-connecting-ip")
# Anybody's words, of which Gradio would make addresses; whom Origin names, it would let read.
STEERING = (b"host", b"origin", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
# All that is known of a query; Gradio would take deep_link for the name of a file.
QUERY = re.compile(rf"(?a)session_hash={NAME.pattern}|all_(session|endpoints)=(true|false)")


def others(root_path: str) -> list[str]:
    """A proxy's, and of Spaces the page's own and its frame's: others there are other people's."""
    space = os.environ.get("SPACE_HOST")  # set by Hugging Face Spaces
    frames = ["https://huggingface.co", f"https://{space}"] if space else []
    return [*frames, *re.findall("^https?://[^/]+", root_path)]


def check_origin(scope: Scope, allowed: list[str]) -> None:
    """Raise Refusal where a page, not the Host's or of `allowed`, would change something."""
    headers = Headers(scope=scope)
    origin, site, host = (headers.get(key) for key in ("origin", "sec-fetch-site", "host"))
    if scope["method"] in SAFE or site == "same-origin" or origin in allowed:
        return
    if site == "cross-site" or origin not in (None, f"http://{host}", f"https://{host}"):
        raise Refusal(403, "this comes from a page of another site, which may not ask here")


def is_own_machine(host: str) -> bool:
    """Whether `host`, a Host header or an address to listen at, is nobody's but this machine's."""
    return OWN_MACHINE.fullmatch(host) is not None


def from_own_machine(scope: Scope) -> bool:
    """Whether a request names this machine and passed no proxy on its way here."""
    headers = Headers(scope=scope)
    forwarded = any(FORWARDING.fullmatch(name) for name in headers)
    forwarded |= scope["http_version"] == "1.0"  # as nginx asks: no browser does
    return is_own_machine(headers.get("host", "")) and not forwarded


def without_steering(scope: Scope) -> Scope:
    """`scope` as Gradio may see it: of nobody's words it makes an address or opens a file."""
    headers = [(name, value) for name, value in scope["headers"] if name not in STEERING]
    headers.append((b"x-gradio-server", _address(scope).encode()))
    pairs = parse_qsl(scope["query_string"].decode("latin-1"))  # judged once they are decoded
    query = urlencode([pair for pair in pairs if QUERY.fullmatch("=".join(pair))])
    return {**scope, "headers": headers, "query_string": query.encode()}


def _address(scope: Scope) -> str:
    """The page's, where the Host is it for sure; else relative to where the page is."""
    host, (name, port) = Headers(scope=scope).get("host"), scope.get("server") or ("", None)
    public = scope["app"].get_blocks().share_url
    if public == f"https://{host}":
        return public
    if host in (f"{name}:{port}", f"localhost:{port}") and not scope.get("root_path"):
        return f"http://{host}"
    # A client that reads /config goes on with the address that it was given.
    return "/" if scope["path"].endswith("/config") else "."
