"""Routes: POST /recognize, GET /network, /healthz and /metrics.

They have no state, so that any replica can answer any request. access.py decides who may send them.
"""

import functools
from typing import Any

import anyio
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from mnist_core import Number, Prediction, Recognizer
from mnist_core.drawing.pictures import decode_picture
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.network.quantize import compressed_file
from serving import models
from serving.errors import Refusal, coded, not_found
from serving.limits import MAX_BATCH, Workers
from serving.metrics import timed_prediction
from serving.models import json_response, read_json
from serving.reloader import ModelReloader

KINDS = {"strokes", "picture", "drawings"}  # what /recognize reads
RECOGNIZE, NETWORK = "recognize", "network"  # relative to the page
FOREVER = "max-age=31536000, immutable"  # for content that never changes at its address
BINARY = {200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}}
TEXT = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def recognition_routes(reloader: ModelReloader, workers: Workers) -> APIRouter:
    """Routes /recognize, /healthz and /metrics."""
    router = APIRouter(responses=models.REFUSALS)

    @router.post(
        f"/{RECOGNIZE}",
        response_model=models.Recognition | list[models.Recognition],
        openapi_extra=models.body_of(models.Drawing, models.PictureOfDigit, models.Batch),
    )
    async def recognize(request: Request) -> Response:
        """Read a drawing of a digit or a number, a picture of one, or many drawings."""
        with timed_prediction(f"/{RECOGNIZE}"):
            content = await read_json(request)
            if not isinstance(content, dict) or not KINDS & content.keys():
                reason = 'expected {"strokes": ...}, {"picture": ...} or {"drawings": [...]}'
                raise Refusal("invalid_input", reason)
            is_quick = KINDS & content.keys() == {"strokes"}
            worker = workers.for_strokes(content["strokes"]) if is_quick else workers.slow
            read = answer_all if "drawings" in content else answer
            return json_response(await worker.run(read, reloader.current, content))

    @router.get("/healthz", response_model=models.Health)
    @router.head("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """Confirm that this process answers, and name its network."""
        return json_response({"status": "ok", "network": reloader.current.name})

    @router.get("/metrics", responses=TEXT, response_class=Response)
    def metrics() -> Response:
        """Count and time predictions, and count refusals and errors, in Prometheus' format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def network_routes(reloader: ModelReloader, is_public: bool) -> APIRouter:
    """Routes /network and /network/NAME.bin, which shared caches may store if `is_public`."""
    router = APIRouter(responses=models.REFUSALS)
    one_at_a_time = anyio.CapacityLimiter(1)
    whose = "public" if is_public else "private"
    headers = {"cache-control": f"{whose}, {FOREVER}", "content-encoding": "gzip"}

    @functools.lru_cache(maxsize=2)  # the network that answers and the one before it
    def zipped(recognizer: Recognizer) -> bytes:
        return compressed_file(recognizer.model, recognizer.config)

    @router.get(f"/{NETWORK}", response_model=models.Network)
    async def network() -> Response:
        """Describe the network in use, and name the previous one."""
        previous = reloader.previous and reloader.previous.name
        return json_response(reloader.current.config | {"previous": previous})

    @router.get(f"/{NETWORK}/{{name}}.bin", responses=BINARY, response_class=Response)
    async def network_file(name: str) -> Response:
        """Return the weights of the network in use or of the previous one, gzipped."""
        for recognizer in (reloader.current, reloader.previous):
            if recognizer and recognizer.name == name:
                content = await anyio.to_thread.run_sync(zipped, recognizer, limiter=one_at_a_time)
                return Response(content, 200, headers, "application/octet-stream")
        raise not_found("there is no such network here")

    return router


def answer(recognizer: Recognizer, content: dict[str, Any]) -> dict[str, Any]:
    """Read {"strokes": ...} or {"picture": data URL}; return the fields of models.Recognition.

    Raises UserError for invalid values.
    """
    if "picture" in content:
        with coded("invalid_picture"):
            picture = decode_picture(content["picture"])
            prediction, found = recognizer.predict_picture(picture)
    else:
        with coded("invalid_strokes"):
            # Parsed here, as `predict_number` would take text for a file's path and open it.
            strokes = parse_strokes(content["strokes"])
        found = recognizer.predict_number(strokes)
        alone = len(found.digits) == 1  # `predict_strokes` would give the same
        prediction = found.digits[0] if alone else recognizer.predict_strokes(strokes)
    return number(found) | image_fields(prediction) | {"network": recognizer.name}


def answer_all(recognizer: Recognizer, content: dict[str, Any]) -> list[dict[str, Any]]:
    """Read {"drawings": [{"strokes": ...}, ...]}; return an `answer` for each, in order.

    Raises UserError or Refusal that names the drawing, counted from 1.
    """
    drawings = content["drawings"]
    if not isinstance(drawings, list) or len(drawings) > MAX_BATCH:
        raise Refusal("invalid_input", f"drawings: expected a list of at most {MAX_BATCH}")
    return [_answer_one(recognizer, place, one) for place, one in enumerate(drawings, start=1)]


def _answer_one(recognizer: Recognizer, place: int, drawing: Any) -> dict[str, Any]:
    if not isinstance(drawing, dict) or "strokes" not in drawing:
        raise Refusal("invalid_input", f'drawing {place}: expected {{"strokes": ...}}')
    try:
        return answer(recognizer, {"strokes": drawing["strokes"]})
    except UserError as error:
        raise UserError(f"drawing {place}: {error}", error.code) from error


def image_fields(prediction: Prediction) -> dict[str, Any]:
    pixels = prediction.pixels.ravel().tolist()
    return {**fields(prediction), "runner_up": prediction.runner_up, "pixels": pixels}


def fields(prediction: Prediction) -> dict[str, Any]:
    shares = prediction.probabilities.tolist()
    return {"digit": prediction.digit, "probabilities": shares, "verdict": prediction.verdict}


def number(found: Number) -> dict[str, Any]:
    """Return the fields of a number; a picture's digits have boxes, those of strokes pieces."""
    if found.boxes:
        pairs = zip(found.digits, found.boxes, strict=True)
        digits = [image_fields(digit) | {"box": box} for digit, box in pairs]
    else:
        pairs = zip(found.digits, found.groups, strict=True)
        digits = [fields(digit) | {"pieces": pieces} for digit, pieces in pairs]
    return {
        "number": found.number,
        "digits": digits,
        "confidence": found.confidence,
        "number_verdict": found.verdict,
        "doubtful": found.least_certain_index,
        "advice": found.advice,
    }
