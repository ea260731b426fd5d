"""Passwords: who may come in, and who has."""

import os

from starlette.requests import Request

from mnist_core.errors import UserError
from serving.errors import Refusal

PASSWORDS = "DRAW_A_DIGIT_AUTH"  # environment variable: what it holds is in no process list
HELP = (
    "let in only who knows this; may be given again. Other people on this machine can read it in "
    f"the list of processes, but not the variable {PASSWORDS}, which holds the same, a line each"
)


def credentials(given: list[str]) -> list[tuple[str, str]] | None:
    """USER:PASSWORD texts, and those in the environment, a line each; None without any.

    Raises UserError for a text of another form.
    """
    lines = [*given, *os.environ.get(PASSWORDS, "").splitlines()]
    return [_credential(line) for line in lines if line.strip()] or None


def _credential(text: str) -> tuple[str, str]:
    user, _, password = text.strip().partition(":")
    if not user or not password:
        raise UserError("--auth takes USER:PASSWORD, neither of them empty")
    return user, password


def check_signed_in(request: Request) -> None:
    """Raise Refusal where there are passwords and the request has no cookie of Gradio's login."""
    app = request.app
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    if app.auth is not None and not any(request.cookies.get(name) in app.tokens for name in names):
        raise Refusal(401, "you are not logged in: load the page again")
