"""Authentication: passwords, the sign-in page and sessions.

A browser signs in once and gets a signed cookie, valid at every replica with the same secret.
Programs send the password with each request: `Authorization: Basic`, as curl -u does, or `Bearer`
with the same value.
"""

import base64
import hashlib
import hmac
import html
import os
import re
import secrets
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from mnist_core.errors import UserError
from serving.errors import Refusal
from serving.limits import (
    MAX_WRONG_PASSWORDS,
    WRONG_PASSWORD_SECONDS,
    RateLimit,
    client_host,
)
from serving.metrics import report
from serving.options import PASSWORDS
from ui.document import csp_source
from ui.texts import LANGUAGES

SECRET = "DRAW_A_DIGIT_SECRET"  # environment variable; if it is set, sessions outlive a restart
SESSION_SECONDS = 14 * 24 * 3600
PAGE = Path(__file__).with_name("sign_in.html")


class Passwords:
    """Passwords by user name, with a limit on wrong guesses; `secret` signs sessions."""

    def __init__(self, by_name: dict[str, str], secret: str | None = None) -> None:
        self.by_name = by_name
        secret = secret or os.environ.get(SECRET) or secrets.token_urlsafe()
        # Changing a password ends all sessions.
        self.secret = hashlib.sha256(f"{secret}{sorted(by_name.items())}".encode()).hexdigest()
        self.wrong_guesses = RateLimit(MAX_WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS)

    def check(self, name: str, password: str, client: str) -> bool:
        """Whether the password is correct. Raises Refusal 429 if `client` guessed too often."""
        if wait := self.wrong_guesses.seconds_to_wait(client):
            reason = "too many wrong passwords: wait some minutes, then try again"
            raise Refusal("too_many_passwords", reason, **{"retry-after": str(wait)})
        expected = self.by_name.get(name, "")
        texts = [text.encode(errors="replace") for text in (expected, password)]
        is_right = expected != "" and hmac.compare_digest(*texts)
        if not is_right:
            self.wrong_guesses.acquire(client)
        return is_right

    def is_signed_in(self, request: Request) -> bool:
        """Whether the request has a session or the header "authorization" with a password."""
        if request.session.get("name") in self.by_name:
            return True
        scheme, _, words = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("basic", "bearer"):
            return False
        try:
            name, _, password = base64.b64decode(words, validate=True).decode().partition(":")
        except ValueError:
            return False
        return self.check(name, password, client_host(request))

    def with_sessions(self, app: ASGIApp) -> ASGIApp:
        """Add `request.session` to `app`, in a cookie with a name for this server only."""
        name = hashlib.sha256(self.secret.encode()).hexdigest()[:8]
        space = "SPACE_HOST" in os.environ  # which shows the page in a frame of another site
        return SessionMiddleware(
            app,
            self.secret,
            session_cookie=f"draw-a-digit-{name}",
            max_age=SESSION_SECONDS,
            same_site="none" if space else "lax",
            https_only=space,
        )


def credentials(given: list[str]) -> Passwords | None:
    """Read passwords, USER:PASSWORD, from `given` and the lines of an environment variable.

    Returns None if there are none. Raises UserError for another form.
    """
    lines = enumerate(os.environ.get(PASSWORDS, "").splitlines(), start=1)
    texts = [("--auth", text) for text in given]
    texts += [(f"line {n} of the variable {PASSWORDS}", line) for n, line in lines if line.strip()]
    by_name = {}
    for place, text in texts:
        user, _, password = text.strip().partition(":")
        if not user or not password:
            raise UserError(f"{place} is not USER:PASSWORD, neither of them empty")
        by_name[user] = password
    return Passwords(by_name) if by_name else None


def sign_in_routes(users: Passwords, root: str) -> APIRouter:
    """Routes /login and /logout; `root` is the path of the page."""
    router = APIRouter()

    @router.get("/login")
    async def show(request: Request) -> Response:
        return sign_in_page(request, root)

    @router.post("/login")
    async def sign_in(
        request: Request, username: Annotated[str, Form()], password: Annotated[str, Form()]
    ) -> Response:
        """Sign in; redirect browsers to the page and answer 200 to gradio_client."""
        name, wants_page = username.strip(), "text/html" in request.headers.get("accept", "")
        try:
            if not users.check(name, password, client_host(request)):
                raise Refusal("wrong_password", "the name or the password is wrong")
        except Refusal as refusal:
            if not wants_page:
                raise
            return sign_in_page(request, root, report("/login", refusal))
        request.session["name"] = name
        return (
            RedirectResponse(root or "./", 303) if wants_page else JSONResponse({"success": True})
        )

    @router.post("/logout")
    async def sign_out(request: Request) -> Response:
        request.session.clear()
        return RedirectResponse(root or "./", 303)

    return router


def sign_in_page(request: Request, root: str, refusal: Refusal | None = None) -> Response:
    """Return the form, in the browser's language, with the reason of a refusal."""
    accepted = request.headers.get("accept-language", "").lower()
    language = "zh" if accepted.startswith("zh") else "en"
    texts = LANGUAGES[language]
    words = {key: texts[key] for key in ("title", "sign_in", "user_name", "password")}
    error = texts[f"refused_{refusal.code}"] if refusal else ""
    action = html.escape(f"{root}login")
    body = PAGE.read_text("utf-8").format(language=language, action=action, error=error, **words)
    headers = {"content-security-policy": policy(body), "cache-control": "no-store"}
    status, more = (refusal.status, refusal.headers) if refusal else (200, {})
    return HTMLResponse(body, status, headers | more)


def policy(body: str) -> str:
    """Return a content security policy that allows only the style and script in `body`."""
    sources = ""
    for kind, text in re.findall(r"(?s)<(style|script)>(.*?)</", body):
        sources += f"{kind}-src {csp_source(text)}; "
    return f"default-src 'none'; {sources}img-src data:; base-uri 'none'; form-action 'self'"
