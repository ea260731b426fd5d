"""The requests and responses of the HTTP API, as the OpenAPI description has them."""

from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from mnist_core.drawing.ink import ADVICE
from mnist_core.drawing.strokes import MAX_POINTS, MAX_STROKES
from mnist_core.network.calibration import VERDICTS
from serving.errors import CODES, Refusal, invalid
from serving.limits import MAX_BATCH

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
        None, description="Its ink: [stroke, start, end], the points from start to before end"
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
        None, description="Index of the least certain digit; null if the number is sure"
    )


class Drawing(BaseModel):
    strokes: Strokes


class Batch(BaseModel):
    drawings: list[Drawing] = Field(
        max_length=MAX_BATCH,
        description="Answered with a list, in this order",
    )


class PictureOfDigit(BaseModel):
    picture: Picture


class Network(BaseModel, extra="allow"):
    """The config of the network in use, with more fields about its training."""

    name: str = Field(description="8 hex digits of its content; its file is /network/NAME.bin")
    previous: str | None = Field(description="The name of the network before it, or null")


class Health(BaseModel):
    status: Literal["ok"]
    network: str = Field(description="The name of the network in use")


class Refused(BaseModel):
    error: str = Field(description="What is wrong and what to do, in English")
    code: Literal[tuple(CODES)] = Field(description="The kind of refusal, for programs")


# The `responses` of a route; docs/api.md explains all codes.
REFUSALS = {status: {"model": Refused, "description": "Refused"} for status in ("4XX", "5XX")}


def body_of(*models: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads one of `models` from its body itself."""
    schemas = [model.model_json_schema() for model in models]
    content = {"application/json": {"schema": {"anyOf": schemas}}}
    return {"requestBody": {"required": True, "content": content}}


def parse_json(body: bytes) -> Any:
    """Parse JSON, nested at most 1,024 deep (orjson's limit). Raises Refusal."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal("not_json", "this is not JSON") from error


async def read_json(request: Request) -> Any:
    """Parse a request's body as JSON, whatever its Content-Type. Raises Refusal."""
    return parse_json(await request.body())


def validated(model: type[Model], value: Any) -> Model:
    """Return `value` as a `model`. Raises Refusal 422 if it is none."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors()) from None


def json_response(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
