"""What Gradio's own endpoints are handed: an envelope made anew, never the one that came.

Gradio fetches an address and copies a file wherever a value is an object that names one, at any
depth, and keeps what it fetched. So of an envelope only the parts with a known use are taken,
each is read by the project's own parsers, and a fresh envelope is made of what they return.
"""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from mnist_core.drawing.pictures import check_data_url
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from serving.errors import Refusal

# Gradio's own endpoints, each with its one parameter: see routes.api_functions.
ENDPOINTS = {"predict": "strokes", "predict_image": "picture"}
JOIN = "/gradio_api/queue/join"
CALL = re.compile(rf"/gradio_api/call/(v2/)?({'|'.join(ENDPOINTS)})")
NAME = re.compile(r"[\w-]{1,64}", re.ASCII)  # of a session: Gradio's Python client sends a UUID


def fresh_envelope(path: str, body: bytes, functions: Mapping[int, str]) -> bytes | None:
    """The JSON to hand on to Gradio's endpoint at `path`, None where `path` is of another kind.

    `functions` are the names of Gradio's, by number. Raises Refusal, or UserError as the parsers
    do, for an envelope that is not exactly one value to read.
    """
    call = CALL.fullmatch(path)
    if path != JOIN and not call:
        return None
    envelope, fresh = parse_object(body), {}
    if path == JOIN:
        session, number = envelope.get("session_hash"), envelope.get("fn_index")
        if not isinstance(session, str) or not NAME.fullmatch(session):
            raise Refusal(422, 'expected "session_hash", 1 to 64 letters, digits, - or _')
        name = functions.get(number) if type(number) is int else None
        if name not in ENDPOINTS:
            raise Refusal(422, 'expected "fn_index", the number of a function in /config')
        fresh = {"session_hash": session, "fn_index": number}
    else:
        name = call[2]
    if call and call[1]:
        return orjson.dumps({ENDPOINTS[name]: _value(name, only(envelope, ENDPOINTS[name]))})
    match envelope:
        case {"data": [value]}:
            return orjson.dumps({**fresh, "data": [_value(name, value)]})
    raise Refusal(422, 'expected one value to read: {"data": [...]}')


def parse_object(body: bytes) -> dict[str, Any]:
    """Raises Refusal unless `body` is a JSON object, nested 1,024 deep at most (orjson's limit)."""
    with contextlib.suppress(orjson.JSONDecodeError):
        value = orjson.loads(body)
        if isinstance(value, dict):
            return value
    raise Refusal(400, "this is not a JSON object")


def only(envelope: Any, key: str) -> Any:
    """The value of `key`. Raises UserError for what is no object with that key alone."""
    if not isinstance(envelope, dict) or set(envelope) != {key}:
        raise UserError(f'expected {{"{key}": ...}} and nothing else')
    return envelope[key]


def _value(name: str, value: Any) -> list[list[list[float]]] | str:
    """The one value of endpoint `name`, of nothing but lists and numbers, or one text."""
    if name == "predict_image":
        return check_data_url(value)
    return [stroke.tolist() for stroke in parse_strokes(value)]
