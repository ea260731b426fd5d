"""Signing in: passwords, the page that asks for them, and the session that remembers.

A browser signs in once and has a signed cookie from then on, which any replica with the same
secret knows. Programs may send the password with each request: `Authorization: Basic`, as
curl -u does, or `Bearer` with the same words.
"""

import base64
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import time
from collections import Counter
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mnist_core.errors import UserError
from serving import limits
from serving.errors import Refusal
from serving.metrics import Metrics
from serving.options import PASSWORDS
from ui.texts import LANGUAGES

SECRET = "DRAW_A_DIGIT_SECRET"  # environment variable: with the same one sessions outlive a restart
SESSION_SECONDS = 14 * 24 * 3600
MAX_REMEMBERED = 10_000  # names and addresses
PAGE = Path(__file__).with_name("sign_in.html")


class Passwords:
    """Passwords by user name, with a limit on wrong guesses; `secret` signs sessions."""

    def __init__(self, by_name: dict[str, str], secret: str | None = None) -> None:
        self.by_name = by_name
        secret = secret or os.environ.get(SECRET) or secrets.token_urlsafe()
        # Sessions end when a password changes.
        self.secret = hashlib.sha256(f"{secret}{sorted(by_name.items())}".encode()).hexdigest()
        self.window, self.wrong = 0, Counter()

    def check(self, name: str, password: str, client: str) -> bool:
        """Whether the password is that user's. Raises Refusal after too many wrong guesses."""
        window, since = divmod(int(time.monotonic()), limits.WRONG_SECONDS)
        if window != self.window or len(self.wrong) > MAX_REMEMBERED:
            self.window, self.wrong = window, Counter()
        by_client, by_name = self.wrong["client", client], self.wrong["name", name]
        most = limits.MAX_WRONG
        if by_client >= most or (by_client >= limits.ALWAYS and by_name >= most):
            reason = "too many wrong passwords: wait some minutes, then try again"
            wait = str(limits.WRONG_SECONDS - since)
            raise Refusal(429, reason, code="too_many_passwords", **{"retry-after": wait})
        expected = self.by_name.get(name, "")
        texts = [text.encode(errors="replace") for text in (expected, password)]
        if expected and hmac.compare_digest(*texts):
            return True
        self.wrong["client", client] += 1
        if expected:  # a client can make up other names without end
            self.wrong["name", name] += 1
        return False

    def is_signed_in(self, request: Request) -> bool:
        """By a session, or by a password in the header "authorization"."""
        if request.session.get("name") in self.by_name:
            return True
        scheme, _, words = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("basic", "bearer"):
            return False
        try:
            name, _, password = base64.b64decode(words, validate=True).decode().partition(":")
        except ValueError:
            return False
        return self.check(name, password, limits.client_name(request.client))

    def with_sessions(self, app: ASGIApp) -> ASGIApp:
        """Give `app` a `request.session`, in a cookie that another server here does not share."""
        name = hashlib.sha256(self.secret.encode()).hexdigest()[:8]
        space = "SPACE_HOST" in os.environ  # there the page is in a frame of another site
        return SessionMiddleware(
            app,
            self.secret,
            session_cookie=f"draw-a-digit-{name}",
            max_age=SESSION_SECONDS,
            same_site="none" if space else "lax",
            https_only=space,
        )


def credentials(given: list[str]) -> Passwords | None:
    """Passwords from USER:PASSWORD texts and from the environment's lines; None if there are none.

    Raises UserError if one has another form.
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


def sign_in_routes(users: Passwords, root: str, metrics: Metrics) -> list[Route]:
    """/login, a page and where it posts its form to, and POST /logout; `root` is the page's."""

    def show(request: Request) -> Response:
        return sign_in_page(request, root)

    async def sign_in(request: Request) -> Response:
        """Send a browser on to the page; answer 200 to programs, as gradio_client expects."""
        name, password = await read_form(request)
        wants_page = "text/html" in request.headers.get("accept", "")
        try:
            if not users.check(name, password, limits.client_name(request.client)):
                raise Refusal(400, "the name or the password is wrong", code="wrong_password")
        except Refusal as refusal:
            if not wants_page:
                raise
            metrics.refusal("/login", refusal)
            return sign_in_page(request, root, refusal)
        request.session["name"] = name
        return to_page() if wants_page else JSONResponse({"success": True})

    def sign_out(request: Request) -> Response:
        request.session.clear()
        return to_page()

    def to_page() -> Response:
        return RedirectResponse(root or "./", 303)

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", sign_in, methods=["POST"]),
        Route("/logout", sign_out, methods=["POST"]),
    ]


async def read_form(request: Request) -> tuple[str, str]:
    """User name and password from a form or from JSON; empty if they are missing."""
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            form = dict(json.loads(await request.body()))
        else:
            form = await request.form(max_files=0, max_fields=10)
    except (ValueError, TypeError, RecursionError, HTTPException):
        form = {}
    name, password = (str(form.get(key, "")) for key in ("username", "password"))
    return name.strip(), password


def sign_in_page(request: Request, root: str, refusal: Refusal | None = None) -> Response:
    """The form, in Chinese where a browser prefers it, and what was wrong with the last one."""
    accepted = request.headers.get("accept-language", "").lower()
    language = "zh" if accepted.startswith("zh") else "en"
    texts = LANGUAGES[language]
    words = {key: texts[key] for key in ("title", "sign_in", "user_name", "password")}
    error = texts[f"refused_{refusal.code}"] if refusal else ""
    body = PAGE.read_text("utf-8").format(
        language=language, action=html.escape(f"{root}login"), error=error, **words
    )
    headers = {"content-security-policy": policy(body), "cache-control": "no-store"}
    if refusal:
        return HTMLResponse(body, refusal.status, headers | refusal.headers)
    return HTMLResponse(body, headers=headers)


def policy(body: str) -> str:
    """A content security policy under which only the style and the script in `body` work."""
    sources = ""
    for kind, text in re.findall(r"(?s)<(style|script)>(.*?)</", body):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        sources += f"{kind}-src 'sha256-{digest}'; "
    return f"default-src 'none'; {sources}img-src data:; base-uri 'none'; form-action 'self'"
