"""Passwords: who may come in, and who has.

A browser logs in by POST /login and has a cookie from then on, one that Gradio knows. Programs
may send the password with each request to this project's own routes: `Authorization: Basic`, as
curl -u does, or `Bearer` with the same words.
"""

import base64
import hmac
import os
import secrets
import time
from collections import Counter

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mnist_core.errors import UserError
from serving.errors import Refusal
from serving.limits import client_name

PASSWORDS = "DRAW_A_DIGIT_AUTH"  # environment variable: what it holds is in no process list
# Wrong ones of a name or an address in so many seconds: a class of 40 mistypes twice each.
MAX_WRONG, WINDOW = 100, 600
ALWAYS = 5  # an address may try, or whoever guesses at a name would lock its people out
MAX_REMEMBERED = 10_000  # names and addresses, and logins: the oldest has to log in again
LOGOUT_PAGE = (
    '<!doctype html><title>Log out</title><form method="post"><button>Log out / 退出登录</button>'
)


class Passwords:
    """The passwords `by_name`, for Gradio's `auth`; whoever guesses at them has to wait."""

    def __init__(self, by_name: dict[str, str]) -> None:
        self.by_name = by_name
        self.window, self.wrong = 0, Counter()

    def __call__(self, name: str, password: str, address: str = "") -> bool:
        """Whether they belong together. Raises Refusal after too many that did not."""
        window, since = divmod(int(time.monotonic()), WINDOW)
        if window != self.window or len(self.wrong) > MAX_REMEMBERED:
            self.window, self.wrong = window, Counter()
        guesser, guessed_at = self.wrong["address", address], self.wrong["name", name]
        if guesser >= MAX_WRONG or (guesser >= ALWAYS and guessed_at >= MAX_WRONG):
            reason = "too many wrong passwords: wait some minutes, then try again"
            raise Refusal(429, reason, **{"retry-after": str(WINDOW - since)})
        expected = self.by_name.get(name, "")
        texts = [text.encode(errors="replace") for text in (expected, password)]
        if expected and hmac.compare_digest(*texts):
            return True
        self.wrong["address", address] += 1
        if expected:  # names that are none a client can make up without end
            self.wrong["name", name] += 1
        return False


def credentials(given: list[str]) -> Passwords | None:
    """Of USER:PASSWORD texts, and those in the environment, a line each; None without any.

    Raises UserError for a text of another form.
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


def check_signed_in(request: Request) -> None:
    """Raise Refusal where there are passwords, and a request has neither a login nor one."""
    if request.app.auth is None or _logins(request):
        return
    scheme, _, words = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(words, validate=True).decode().partition(":")
    except ValueError:
        name = password = ""
    if scheme.lower() not in ("basic", "bearer") or not _belong(request, name, password):
        raise Refusal(401, "you are not logged in: load the page again, or curl -u USER:PASSWORD")


def _belong(request: Request, name: str, password: str) -> bool:
    return request.app.auth(name, password, client_name(request.client))


def _logins(request: Request) -> set[str]:
    """The tokens that let in, of those in a request's cookies."""
    names = (f"access-token-{kind}{request.app.cookie_id}" for kind in ("", "unsecure-"))
    return {request.cookies.get(name) for name in names} & request.app.tokens.keys()


async def login(request: Request) -> Response:
    """POST a form with "username" and "password"; the cookies of the answer let in."""
    app, form = request.app, await request.form(max_files=0, max_fields=10)
    name, password = (str(form.get(key, "")) for key in ("username", "password"))
    if not app.auth or not _belong(request, name.strip(), password):
        raise Refusal(400, "the name or the password is wrong")
    token = secrets.token_urlsafe()
    app.tokens[token] = name.strip()
    for oldest in list(app.tokens)[:-MAX_REMEMBERED]:
        del app.tokens[oldest]
    response = Response(b'{"success":true}', media_type="application/json")
    # As Gradio does: one for a frame on another site, as Spaces has it, one where there is no TLS.
    secure, plain = f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"
    response.set_cookie(secure, token, httponly=True, samesite="none", secure=True)
    response.set_cookie(plain, token, httponly=True)
    return response


async def logout(request: Request) -> Response:
    """GET shows a button and changes nothing; POST ends the login of this browser alone."""
    if request.method != "POST":
        return Response(LOGOUT_PAGE, media_type="text/html")
    for token in _logins(request):
        del request.app.tokens[token]
    return RedirectResponse("./", 303)


def login_routes() -> list[Route]:
    """/login and /logout, in place of Gradio's."""
    return [
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["GET", "POST"]),
    ]
