"""Refusal: why a request is not answered, in a sentence for a person."""

OUR_FAULT = "Something went wrong here. It was noted; please try again."


class Refusal(Exception):
    """A request that is answered with HTTP `status`, 4xx or 5xx, a `code` and a `reason`."""

    def __init__(self, status: int, reason: str, code: str = "", **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = sentence(reason)
        self.headers = headers


def sentence(text: object) -> str:
    """`text` with a capital at its beginning and a full stop at its end."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."
