"""Refusals: the status, code and sentence of a request that can't be answered."""

import contextlib
from collections.abc import Iterator

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mnist_core.errors import UserError

# docs/api.md explains each code, and ui/texts has a text refused_CODE for it.
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
    429: "too_many_passwords too_many_corrections too_many_drawings",
    500: "our_fault",
    503: "busy outcome_unknown",
    507: "not_stored store_full",
}
CODES = {code: status for status, codes in CODES_BY_STATUS.items() for code in codes.split()}
OUR_FAULT = "Something went wrong here. It was logged; please try again."


class Refusal(Exception):
    """An answer with a `code` of CODES, its HTTP `status` and a sentence that says why."""

    def __init__(self, code: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.code, self.status = code, CODES[code]
        self.reason = sentence(reason)
        self.headers = headers


def not_found(reason: str = "there is nothing at this address") -> Refusal:
    return Refusal("not_found", reason)


def busy() -> Refusal:
    reason = "too many requests at once: try again in a second"
    return Refusal("busy", reason, **{"retry-after": "1"})


def invalid(errors: list[dict]) -> Refusal:
    """Return the refusal for pydantic's `errors`, which name fields and quote no values."""
    field = ".".join(map(str, errors[0]["loc"]))
    what = f"the field {field}" if field else "the body"
    return Refusal("invalid_input", f"{what} is wrong: {errors[0]['msg']}")


def as_refusal(error: Exception) -> Refusal:
    """Return the answer to `error`: the sentence of a user's mistake, OUR_FAULT for others."""
    match error:
        case Refusal():
            return error
        case UserError():
            return Refusal(error.code or "invalid_input", str(error))
        case RequestValidationError():
            return invalid(error.errors())
        case HTTPException(status_code=404):
            return not_found()
        case HTTPException() if error.status_code < 500:  # its text may quote the request
            return Refusal("invalid_input", "the request is invalid")
    return Refusal("our_fault", OUR_FAULT)


@contextlib.contextmanager
def coded(code: str) -> Iterator[None]:
    """Set the code of a UserError raised inside, unless it has one."""
    try:
        yield
    except UserError as error:
        error.code = error.code or code
        raise


def sentence(text: object) -> str:
    """Return `text` with a capital at the beginning and a full stop at the end."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
