"""The page's own routes: POST /recognize for it and for programs, /network, /healthz, /metrics.

Nothing is kept between two requests, so that any replica can answer any of them. Who may ask is
decided in access.py. What a person can mend is answered with HTTP 4xx, a sentence and a code.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mnist_core import Number, Prediction, Recognizer
from mnist_core.drawing.pictures import decode_picture
from mnist_core.network.quantize import compressed_file
from serving import models
from serving.errors import Refusal, coded
from serving.limits import Lanes
from serving.metrics import Metrics
from serving.reloader import ModelReloader

RECOGNIZE, NETWORK = "recognize", "network"  # relative to the page
FOREVER = "max-age=31536000, immutable"  # for what changes its address with its content
BINARY = {200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}}
TEXT = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def recognition_routes(reloader: ModelReloader, metrics: Metrics, lanes: Lanes) -> APIRouter:
    """/recognize, /healthz and /metrics."""
    router = APIRouter()

    @router.post(
        f"/{RECOGNIZE}",
        response_model=models.Recognition,
        responses=models.refusals(403, 411, 413, 422, 503),
        openapi_extra=models.body_of(models.Drawing, models.PictureOfDigit),
    )
    async def recognize(request: Request) -> Response:
        """Read a drawing of a digit or a number, or a picture of a digit."""
        with metrics.prediction(f"/{RECOGNIZE}"):
            content = await read_json(request)
            if not isinstance(content, dict) or not {"strokes", "picture"} & content.keys():
                words = 'expected {"strokes": ...} or {"picture": ...}'
                raise Refusal(422, words, code="invalid_input")
            is_picture = "picture" in content
            lane = lanes.slow if is_picture else lanes.for_strokes(content["strokes"])
            return json_response(await lane.run(answer, reloader.current, content))

    @router.get("/healthz", response_model=models.Health, responses=models.refusals())
    @router.head("/healthz", include_in_schema=False)
    async def healthz(request: Request) -> Response:
        """Tell that this process answers and has a network, which was tried as it was loaded."""
        return json_response({"status": "ok", "network": reloader.current.name})

    @router.get("/metrics", responses=TEXT | models.refusals(), response_class=Response)
    def counts(request: Request) -> Response:
        """Count predictions, refusals and errors, in Prometheus' format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def network_routes(reloader: ModelReloader, is_public: bool) -> APIRouter:
    """/network and the file of the network, which caches of many people may keep if `is_public`."""
    router, one_at_a_time = APIRouter(), anyio.CapacityLimiter(1)
    whose = "public" if is_public else "private"
    headers = {"cache-control": f"{whose}, {FOREVER}", "content-encoding": "gzip"}

    @functools.lru_cache(maxsize=2)  # the network that answers and the one before it
    def zipped(recognizer: Recognizer) -> bytes:
        return compressed_file(recognizer.model, recognizer.config)

    @router.get(f"/{NETWORK}", response_model=models.Network, responses=models.refusals())
    async def network(request: Request) -> Response:
        """Describe the network that answers, and name the one before it."""
        previous = reloader.previous and reloader.previous.name
        return json_response(reloader.current.config | {"previous": previous})

    @router.get(
        f"/{NETWORK}/{{name}}.bin", responses=BINARY | models.refusals(404), response_class=Response
    )
    async def network_file(name: str, request: Request) -> Response:
        """Give the weights of the network that answers, or of the one before it, gzipped."""
        for recognizer in (reloader.current, reloader.previous):
            if recognizer and recognizer.name == name:
                content = await anyio.to_thread.run_sync(zipped, recognizer, limiter=one_at_a_time)
                return Response(content, 200, headers, "application/octet-stream")
        raise Refusal(404, "there is no such network here", code="not_found")

    return router


def file_routes(files: Mapping[str, tuple[bytes, str]], pages: Mapping[str, str]) -> list[Route]:
    """What browsers keep for ever, content and media type by address, and HTML pages by name."""

    def served_file(content: bytes, media_type: str) -> Callable:
        headers = {"cache-control": f"public, {FOREVER}"}
        return lambda request: Response(content, 200, headers, media_type)

    def html_page(html: str) -> Callable:
        # A response for each request: compression changes its headers.
        return lambda request: HTMLResponse(html)

    served = [Route(f"/{address}", served_file(*file)) for address, file in files.items()]
    return served + [Route(f"/{name}", html_page(html)) for name, html in pages.items()]


async def read_json(request: Request) -> Any:
    """The body's JSON. Raises Refusal where it is none."""
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "this is not JSON", code="not_json") from error


def json_response(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def answer(recognizer: Recognizer, content: dict[str, Any]) -> dict[str, Any]:
    """What `recognizer` reads in {"strokes": ...} or {"picture": data URL}: a models.Recognition.

    Raises UserError for other values.
    """
    if "picture" in content:
        with coded("invalid_picture"):
            prediction = recognizer.predict_image(decode_picture(content["picture"]))
        numbered = {}
    else:
        with coded("invalid_strokes"):
            found = recognizer.predict_number(content["strokes"])
        alone = len(found.digits) == 1  # and read as `predict_strokes` reads it
        prediction = found.digits[0] if alone else recognizer.predict_strokes(content["strokes"])
        numbered = number(found)
    return numbered | {
        **fields(prediction),
        "runner_up": prediction.runner_up,
        "pixels": prediction.pixels.ravel().tolist(),
        "network": recognizer.name,
    }


def fields(prediction: Prediction) -> dict[str, Any]:
    shares = prediction.probabilities.tolist()
    return {"digit": prediction.digit, "probabilities": shares, "verdict": prediction.verdict}


def number(found: Number) -> dict[str, Any]:
    """What strokes are when they may be several digits: the fields of numbers."""
    pairs = zip(found.digits, found.groups, strict=True)
    digits = [fields(digit) | {"pieces": pieces} for digit, pieces in pairs]
    whole = {"confidence": found.confidence, "number_verdict": found.verdict}
    return {"number": found.number, "digits": digits, **whole, "doubtful": found.doubtful}
