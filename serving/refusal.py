"""Refusal: why a request is not answered, in a sentence for a person."""

import json

from starlette.responses import Response


class Refusal(Exception):
    """A request that is refused with HTTP `status`, 4xx or 503, and a `reason` of ours."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = sentence(reason)
        self.headers = headers

    def response(self) -> Response:
        """{"error": the reason} as JSON."""
        return error_response(self.status, self.reason, self.headers)


def error_response(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps({"error": reason})
    return Response(content, status, headers, media_type="application/json")


def sentence(text: object) -> str:
    """With a capital and a full stop."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
