"""The API for Gradio's clients: what it answers, and what is handed to Gradio's own endpoints.

Gradio fetches an address and copies a file wherever a value is an object that names one, at any
depth. So of a payload only the parts with a known use are taken, each is read by the project's
own parsers, and a new payload is made of what they return.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from mnist_core import Number, Prediction
from mnist_core.drawing.pictures import check_data_url, decode_picture
from mnist_core.drawing.strokes import parse_strokes
from serving.errors import Refusal, coded
from serving.limits import Lanes
from serving.metrics import Metrics
from serving.origins import SESSION
from serving.reloader import ModelReloader

# By name the one parameter of each function, in the order in which Gradio numbers them.
ENDPOINTS = {"predict": "strokes", "predict_image": "picture", "predict_number": "strokes"}
JOIN = "/gradio_api/queue/join"
CALL = re.compile(rf"/gradio_api/call/(v2/)?({'|'.join(ENDPOINTS)})")


def api_functions(
    reloader: ModelReloader, metrics: Metrics, lanes: Lanes, api_error: Callable[[str], Exception]
) -> list[Callable[[Any], Awaitable]]:
    """ENDPOINTS, for Gradio's clients and MCP; their docstrings are shown there.

    `api_error` makes the exception that shows a sentence to a client.
    """

    async def predict(strokes: list[list[list[float]]]) -> dict[str, float]:
        """How probable each digit is for a drawing: strokes, lists of [x, y] points, y down."""
        async with reported("/predict"):
            lane = lanes.for_strokes(strokes)
            return by_digit(await lane.run(reloader.current.predict_strokes, strokes))

    async def predict_image(picture: str) -> dict[str, float]:
        """How probable each digit is for a picture of one, dark on light or light on dark.

        The picture is a data URL, data:image/png;base64,..., PNG, JPEG or WebP, of at most
        1024 pixels a side and 1 MiB.
        """
        async with reported("/predict_image"):
            answer = await lanes.slow.run(
                lambda: reloader.current.predict_image(decode_picture(picture))
            )
            return by_digit(answer)

    async def predict_number(strokes: list[list[list[float]]]) -> dict[str, Any]:
        """The number of one to eight digits in a drawing, and how probable it is."""
        async with reported("/predict_number"):
            lane = lanes.for_strokes(strokes)
            return by_number(await lane.run(reloader.current.predict_number, strokes))

    @contextlib.asynccontextmanager
    async def reported(endpoint: str) -> AsyncIterator[None]:
        try:
            with metrics.prediction(endpoint):
                yield
        except Exception as error:
            raise api_error(metrics.refusal(endpoint, error).reason) from error

    return [predict, predict_image, predict_number]


def by_digit(prediction: Prediction) -> dict[str, float]:
    return {str(digit): float(p) for digit, p in enumerate(prediction.probabilities)}


def by_number(found: Number) -> dict[str, Any]:
    digits = [by_digit(digit) for digit in found.digits]
    whole = {"number": found.number, "confidence": found.confidence, "verdict": found.verdict}
    return {**whole, "digits": digits}


def sanitize_payload(path: str, body: bytes) -> bytes | None:
    """The JSON to hand on to Gradio's endpoint at `path`, None where `path` is of another kind.

    Raises Refusal, or UserError as the parsers do, for a payload that is not exactly one value.
    """
    call = CALL.fullmatch(path)
    if path != JOIN and not call:
        return None
    payload, fresh = parse_object(body), {}
    if call:
        name = call[2]
        if call[1]:  # the second version names its parameters
            return orjson.dumps({ENDPOINTS[name]: checked(name, only(payload, ENDPOINTS[name]))})
    else:
        session, number = payload.get("session_hash"), payload.get("fn_index")
        if not isinstance(session, str) or not SESSION.fullmatch(session):
            raise invalid('expected "session_hash", 1 to 64 letters, digits, - or _')
        if type(number) is not int or not 0 <= number < len(ENDPOINTS):
            raise invalid('expected "fn_index", the number of a function in /config')
        name = list(ENDPOINTS)[number]
        fresh = {"session_hash": session, "fn_index": number}
    match payload:
        case {"data": [value]}:
            return orjson.dumps({**fresh, "data": [checked(name, value)]})
    raise invalid('expected one value to read: {"data": [...]}')


def invalid(reason: str) -> Refusal:
    return Refusal(422, reason, code="invalid_input")


def parse_object(body: bytes) -> dict[str, Any]:
    """Raises Refusal unless `body` is a JSON object, nested 1,024 deep at most (orjson's limit)."""
    with contextlib.suppress(orjson.JSONDecodeError):
        value = orjson.loads(body)
        if isinstance(value, dict):
            return value
    raise Refusal(400, "this is not a JSON object", code="not_json")


def only(payload: Any, key: str) -> Any:
    """The value of `key`. Raises Refusal for what is no object with that key alone."""
    if not isinstance(payload, dict) or set(payload) != {key}:
        raise invalid(f'expected {{"{key}": ...}} and nothing else')
    return payload[key]


def checked(name: str, value: Any) -> list[list[list[float]]] | str:
    """The one value of endpoint `name`, of nothing but lists and numbers, or one text."""
    if ENDPOINTS[name] == "picture":
        with coded("invalid_picture"):
            return check_data_url(value)
    with coded("invalid_strokes"):
        return [stroke.tolist() for stroke in parse_strokes(value)]
