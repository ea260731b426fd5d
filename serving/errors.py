"""Refusals: a status, a code and a sentence that say why a request is not answered."""

import contextlib
from collections.abc import Iterator

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mnist_core.errors import UserError

# Every code by its status. docs/api.md explains each, and the page has a text for each,
# refused_CODE, in both languages.
CODES_BY_STATUS = {
    400: "not_json wrong_password range_required",
    401: "signed_out",
    403: "foreign_origin",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "training_under_way no_training id_taken",
    411: "length_required",
    413: "too_large",
    422: "invalid_input invalid_strokes too_many_strokes too_many_points invalid_picture "
    "picture_too_large drawing_too_large invalid_training",
    429: "too_many_passwords too_many_corrections",
    500: "our_fault",
    503: "busy outcome_unknown",
    507: "not_stored store_full",
}
CODES = {code: status for status, codes in CODES_BY_STATUS.items() for code in codes.split()}
OUR_FAULT = "Something went wrong here. It was noted; please try again."


class Refusal(Exception):
    """A request that is answered with HTTP `status`, a `code` of CODES and a `reason` of ours."""

    def __init__(self, status: int, reason: str, code: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = sentence(reason)
        self.headers = headers


def not_found(reason: str = "there is nothing at this address") -> Refusal:
    return Refusal(404, reason, code="not_found")


def busy() -> Refusal:
    words = "too many people are drawing at this moment: try again in a second"
    return Refusal(503, words, code="busy", **{"retry-after": "1"})


def invalid(errors: list[dict]) -> Refusal:
    """The refusal of what pydantic found wrong. Its sentences name fields and quote no values."""
    field = ".".join(map(str, errors[0]["loc"]))
    return Refusal(422, f"{field or 'body'}: {errors[0]['msg']}", code="invalid_input")


def as_refusal(error: Exception) -> Refusal:
    """The answer to any exception. Says what a person can mend, and nothing of a fault of ours."""
    match error:
        case Refusal():
            return error
        case UserError():
            return Refusal(422, str(error), code=error.code or "invalid_input")
        case RequestValidationError():
            return invalid(error.errors())
        case HTTPException(status_code=404):
            return not_found()
        case HTTPException() if error.status_code < 500:  # its words may quote a client
            return Refusal(422, "this is not what is expected here", code="invalid_input")
    return Refusal(500, OUR_FAULT, code="our_fault")


@contextlib.contextmanager
def coded(code: str) -> Iterator[None]:
    """Give this code to a UserError raised inside, unless it has one of its own."""
    try:
        yield
    except UserError as error:
        error.code = error.code or code
        raise


def sentence(text: object) -> str:
    """`text` beginning with a capital and ending with a full stop."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
