"""The API for Gradio's clients: its functions, and the payloads that are passed to Gradio.

Gradio fetches addresses and copies files that objects in a payload name, at any depth. So every
payload is rebuilt here from validated values.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, StrictInt

from mnist_core import Number, Prediction
from mnist_core.drawing.pictures import check_data_url
from mnist_core.drawing.strokes import parse_strokes
from serving.errors import coded
from serving.limits import Workers
from serving.metrics import report, timed_prediction
from serving.models import parse_json, validated
from serving.origins import SESSION
from serving.reloader import ModelReloader

# The functions and their one parameter, in the order in which Gradio numbers them.
ENDPOINTS = {
    "predict": "strokes",
    "predict_image": "picture",
    "predict_number": "strokes",
    "predict_image_number": "picture",
}
JOIN = "/gradio_api/queue/join"
CALL = "/gradio_api/call/"
ApiError = Callable[[str], Exception]


class Call(BaseModel):
    """The payload of a call by a function's name."""

    data: Annotated[list[Any], Field(min_length=1, max_length=1)]


class Join(Call):
    """The payload of a call by a function's number in /config."""

    fn_index: Annotated[StrictInt, Field(ge=0, lt=len(ENDPOINTS))]
    session_hash: Annotated[str, Field(pattern=f"^{SESSION}$")]


def sanitize_payload(path: str, body: bytes) -> bytes | None:
    """Rebuild a request body for Gradio from validated values; None if `path` is not Gradio's.

    Raises Refusal or UserError for invalid payloads.
    """
    if path == JOIN:
        payload = validated(Join, parse_json(body))
        name = list(ENDPOINTS)[payload.fn_index]
    elif path.startswith(CALL):
        payload = validated(Call, parse_json(body))
        name = path.removeprefix(CALL)
    else:
        return None
    return orjson.dumps({**payload.model_dump(), "data": [checked(name, payload.data[0])]})


def checked(name: str, value: Any) -> list[list[list[float]]] | str:
    """Return the validated value for endpoint `name`: strokes or a data URL."""
    if ENDPOINTS[name] == "picture":
        with coded("invalid_picture"):
            return check_data_url(value)
    with coded("invalid_strokes"):
        return [stroke.tolist() for stroke in parse_strokes(value)]


def api_functions(
    reloader: ModelReloader, workers: Workers, api_error: ApiError
) -> list[Callable[[Any], Awaitable]]:
    """Return the functions of ENDPOINTS, for Gradio's clients and MCP, which show their docstrings.

    `api_error` makes the exception that shows its sentence to a client.
    """

    async def predict(strokes: list[list[list[float]]]) -> dict[str, float]:
        """How probable each digit is for a drawing: strokes, lists of [x, y] points, y down."""
        async with report_errors("/predict", api_error):
            read = reloader.current.predict_strokes
            return by_digit(await workers.read_strokes(read, strokes))

    async def predict_image(picture: str) -> dict[str, float]:
        """How probable each digit is for a picture of one, dark on light or light on dark.

        The picture is a data URL, data:image/png;base64,..., PNG, JPEG or WebP, of at most
        1024 pixels a side and 1 MiB.
        """
        async with report_errors("/predict_image", api_error):
            return by_digit(await workers.read_picture(reloader.current.predict_image, picture))

    async def predict_number(strokes: list[list[list[float]]]) -> dict[str, Any]:
        """The number of one to eight digits in a drawing, and how probable it is."""
        async with report_errors("/predict_number", api_error):
            read = reloader.current.predict_number
            return by_number(await workers.read_strokes(read, strokes))

    async def predict_image_number(picture: str) -> dict[str, Any]:
        """The number of one to eight digits in a picture, and how probable it is.

        The picture is a data URL as `predict_image` takes it. Where the number is not certain,
        advice says what to mend: too_dark, several_lines, touches_edge, too_small.
        """
        async with report_errors("/predict_image_number", api_error):
            found = await workers.read_picture(reloader.current.predict_number, picture)
            return {**by_number(found), "advice": found.advice}

    return [predict, predict_image, predict_number, predict_image_number]


@contextlib.asynccontextmanager
async def report_errors(endpoint: str, api_error: ApiError) -> AsyncIterator[None]:
    """Time a prediction; count and log its exceptions, and raise them as `api_error`."""
    try:
        with timed_prediction(endpoint):
            yield
    except Exception as error:
        raise api_error(report(endpoint, error).reason) from error


def by_digit(prediction: Prediction) -> dict[str, float]:
    return {str(digit): float(p) for digit, p in enumerate(prediction.probabilities)}


def by_number(found: Number) -> dict[str, Any]:
    digits = [by_digit(digit) for digit in found.digits]
    whole = {"number": found.number, "confidence": found.confidence, "verdict": found.verdict}
    return {**whole, "digits": digits}
