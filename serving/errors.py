"""Refusal: a status, a code and a sentence that say why a request is not answered."""

import contextlib
from collections.abc import Iterator

from mnist_core.errors import UserError

# Every code by its status. docs/api.md explains each, and the page has a text for each,
# refused_CODE, in both languages.
CODES_BY_STATUS = {
    400: "not_json two_lengths unknown_host wrong_password range_required",
    401: "signed_out",
    403: "foreign_origin",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "training_under_way no_training id_taken",
    411: "length_required",
    413: "too_large",
    422: "invalid_input invalid_strokes too_many_strokes too_many_points invalid_picture "
    "picture_too_large invalid_label invalid_token invalid_id invalid_correction "
    "drawing_too_large invalid_training",
    429: "too_many_passwords too_many_requests too_many_corrections",
    431: "head_too_large",
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
