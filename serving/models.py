"""What is asked and answered over HTTP, for the OpenAPI description at /openapi.json."""

from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from mnist_core.drawing.ink import ADVICE
from mnist_core.drawing.strokes import MAX_POINTS, MAX_STROKES
from mnist_core.network.calibration import VERDICTS
from serving.errors import CODES, Refusal, invalid

Model = TypeVar("Model", bound=BaseModel)

Verdict = Literal[(*VERDICTS, "empty")]
Digit = Annotated[int, Field(ge=0, le=9)]
Probability = Annotated[float, Field(ge=0, le=1)]
Probabilities = Annotated[
    list[Probability], Field(min_length=10, max_length=10, description="Of the digits 0 to 9")
]
Strokes = Annotated[
    list[list[Annotated[list[float], Field(min_length=2, max_length=2)]]],
    Field(
        max_length=MAX_STROKES,
        description=f"Lists of [x, y] points, y down, in any unit; {MAX_POINTS:,} points at most",
    ),
]
Picture = Annotated[
    str,
    Field(description="A data URL: PNG, JPEG or WebP, at most 1024 pixels a side and 1 MiB"),
]
VERDICT = "sure; unsure: the runner-up is close; no digit: it looks like none; empty: no ink"


class Read(BaseModel):
    digit: Digit | None = Field(description="The most probable digit; null without ink")
    probabilities: Probabilities
    verdict: Verdict = Field(description=VERDICT)


Pixels = Annotated[
    list[Annotated[int, Field(ge=0, le=255)]],
    Field(min_length=784, max_length=784, description="What the network saw: 28 rows, ink bright"),
]


class DigitOfNumber(Read):
    """A digit of strokes has pieces; one of a picture has the other fields."""

    pieces: list[list[int]] | None = Field(
        None, description="The ink of this digit: [stroke, from, to], points from up to before to"
    )
    box: list[Probability] | None = Field(
        None, description="Left, top, right, bottom, as shares of the picture's width and height"
    )
    runner_up: Digit | None = None
    pixels: Pixels | None = None


class Recognition(Read):
    """What the network reads."""

    runner_up: Digit | None = Field(description="The second most probable digit; null without ink")
    pixels: Pixels
    network: str = Field(description="The name of the network: 8 hex digits")
    number: str | None = Field(None, description='All digits from left to right, such as "42"')
    digits: list[DigitOfNumber] | None = Field(None, description="Each digit of the number")
    confidence: Probability | None = Field(
        None, description="How probable the whole number is; 0 without ink"
    )
    number_verdict: Verdict | None = Field(None, description="The verdict on the whole number")
    advice: list[Literal[ADVICE]] = Field(
        [], description="What to mend in a picture that is not read for certain"
    )
    doubtful: int | None = Field(
        None, description="Place of the least certain digit, from 0; null where the number is sure"
    )


class Drawing(BaseModel):
    strokes: Strokes


class PictureOfDigit(BaseModel):
    picture: Picture


class Network(BaseModel, extra="allow"):
    """The model card of the network that answers, with more fields of its training."""

    name: str = Field(description="8 hex digits of its content; its file is /network/NAME.bin")
    previous: str | None = Field(description="The name of the network before it, or null")


class Health(BaseModel):
    status: Literal["ok"] = Field(description="ok: the server answers and has a network")
    network: str = Field(description="The name of the network that answers")


class Refused(BaseModel):
    error: str = Field(description="What is wrong and what to do, a sentence in English")
    code: Literal[tuple(CODES)] = Field(description="The kind of refusal, for programs")


# The `responses` of a route for the description; docs/api.md has all codes.
REFUSALS = {status: {"model": Refused, "description": "Refused"} for status in ("4XX", "5XX")}


def body_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that parses its body itself: JSON of one of `models`."""
    schemas = [model.model_json_schema() for model in models]
    content = {"application/json": {"schema": {"anyOf": schemas}}}
    return {"requestBody": {"required": True, "content": content}}


def parse_json(body: bytes) -> Any:
    """Raises Refusal unless `body` is JSON, nested 1,024 deep at most (orjson's limit)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "this is not JSON", code="not_json") from error


async def read_json(request: Request) -> Any:
    """The JSON in a request's body, whatever its Content-Type. Raises Refusal."""
    return parse_json(await request.body())


def validated(model: type[Model], value: Any) -> Model:
    """Raises Refusal unless `value` is one of `model`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors()) from None


def json_response(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
