"""Refusal: why a request is not answered, in a sentence for a person."""

import orjson
from starlette.responses import Response

OUR_FAULT = "Something went wrong here. It was noted; please try again."


class Refusal(Exception):
    """A request that is refused with HTTP `status`, 4xx, 503 or 507, and a `reason` of ours."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = sentence(reason)
        self.headers = headers


def error_response(
    status: int, reason: str, headers: dict[str, str] | None = None, **more: object
) -> Response:
    """{"error": `reason`, and `more`} as JSON."""
    content = orjson.dumps({"error": reason, **more})
    return Response(content, status, headers, media_type="application/json")


def sentence(text: object) -> str:
    """`text` with a capital at its beginning and a full stop at its end."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
