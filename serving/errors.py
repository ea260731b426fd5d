"""Refusal: why a request is not answered, as a status, a code and a sentence for a person."""

import contextlib
from collections.abc import Iterator

from mnist_core.errors import UserError

# Every code of an answer, with its status. docs/api.md explains each, and the page's texts have
# each as refused_CODE in both languages.
CODES = {
    "not_json": 400,
    "two_lengths": 400,
    "unknown_host": 400,
    "wrong_password": 400,
    "range_required": 400,
    "signed_out": 401,
    "foreign_origin": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "training_under_way": 409,
    "no_training": 409,
    "length_required": 411,
    "too_large": 413,
    "invalid_input": 422,
    "invalid_strokes": 422,
    "too_many_strokes": 422,
    "too_many_points": 422,
    "invalid_picture": 422,
    "picture_too_large": 422,
    "invalid_label": 422,
    "invalid_token": 422,
    "invalid_training": 422,
    "too_many_passwords": 429,
    "too_many_requests": 429,
    "head_too_large": 431,
    "our_fault": 500,
    "busy": 503,
    "outcome_unknown": 503,
    "not_stored": 507,
}
OUR_FAULT = "Something went wrong here. It was noted; please try again."


class Refusal(Exception):
    """A request that is answered with HTTP `status`, a `code` of CODES and a `reason` of ours."""

    def __init__(self, status: int, code: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = sentence(reason)
        self.headers = headers


@contextlib.contextmanager
def coded(code: str) -> Iterator[None]:
    """Give a UserError that is raised inside this code, unless it has one of its own."""
    try:
        yield
    except UserError as error:
        error.code = error.code or code
        raise


def sentence(text: object) -> str:
    """`text` with a capital at its beginning and a full stop at its end."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
