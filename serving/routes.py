"""The page's own routes: POST /recognize for it and for programs, /network, /healthz, /metrics.

Nothing is kept between two requests, so that any replica can answer any of them. What a person
can mend is answered with HTTP 4xx and {"error": a sentence}; see middleware.py.
"""

import contextlib
import functools
import gzip
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import anyio
import numpy as np
import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mnist_core import Number, Prediction, Recognizer
from mnist_core.drawing.pictures import decode_picture
from mnist_core.errors import UserError
from mnist_core.network.grid import browser_file
from mnist_core.recognizer import A_SEVEN
from serving.auth import check_signed_in
from serving.errors import Refusal
from serving.metrics import Metrics
from serving.reloader import ModelReloader

# Threads that read drawings, and as many for pictures, which take longer: with more of them
# they wait for each other (docs/serving.md has the measurement).
WORKERS = 1
RECOGNIZE, NETWORK = "recognize", "network"  # beside the page, wherever that is
HEALTH_SECONDS = 5
FOREVER = "max-age=31536000, immutable"  # of what changes its address with its content


def recognition_routes(reloader: ModelReloader, metrics: Metrics) -> list[Route]:
    """/recognize, /healthz and /metrics, for the app that Gradio makes."""
    for_strokes, for_pictures = anyio.CapacityLimiter(WORKERS), anyio.CapacityLimiter(WORKERS)

    async def recognize(request: Request) -> Response:
        """What `answer` makes of the body."""
        check_signed_in(request)
        with metrics.prediction(f"/{RECOGNIZE}"):
            content = await read_json(request)
            is_picture = isinstance(content, dict) and "picture" in content
            workers = for_pictures if is_picture else for_strokes
            values = (reloader.current, content)
            return json_response(await anyio.to_thread.run_sync(answer, *values, limiter=workers))

    async def healthz(request: Request) -> Response:
        """200 when a drawing was just answered, rightly or not, in its turn and in time; else 503.

        That the network reads well is no part of it: no restart would mend that.
        """
        try:
            with anyio.fail_after(HEALTH_SECONDS):
                ask = reloader.current.predict_strokes
                read = await anyio.to_thread.run_sync(ask, A_SEVEN, limiter=for_strokes)
            if not np.isfinite(read.probabilities).all():
                raise ValueError("the probabilities are not finite")
        except Exception as error:
            metrics.failed("/healthz", error)
            raise Refusal(503, "no drawing can be read here") from error
        return json_response({"status": "ok"})

    def counts(request: Request) -> Response:
        check_signed_in(request)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route(f"/{RECOGNIZE}", recognize, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/metrics", counts),
    ]


def file_routes(
    reloader: ModelReloader, files: Mapping[str, tuple[str | bytes, str]], pages: Mapping[str, str]
) -> list[Route]:
    """/network, what browsers keep for ever, its file and the page's `files`, and HTML `pages`.

    By address, the files are content and media type.
    """
    one_at_a_time = anyio.CapacityLimiter(1)

    @functools.lru_cache(maxsize=2)  # the network that answers and the one before it
    def zipped(recognizer: Recognizer) -> bytes:
        return gzip.compress(browser_file(recognizer.model, recognizer.config))

    async def network(request: Request) -> Response:
        """What the model card says of the network that answers now; the one before by name."""
        check_signed_in(request)
        previous = reloader.previous and reloader.previous.name
        return json_response(reloader.current.config | {"previous": previous})

    async def network_file(request: Request) -> Response:
        """The network that answers now, or the one before it, for the page's recognizer."""
        check_signed_in(request)
        for recognizer in (reloader.current, reloader.previous):
            if recognizer and recognizer.name == request.path_params["name"]:
                content = await anyio.to_thread.run_sync(zipped, recognizer, limiter=one_at_a_time)
                whose = "private" if request.app.auth else "public"
                headers = {"cache-control": f"{whose}, {FOREVER}", "content-encoding": "gzip"}
                return Response(content, 200, headers, "application/octet-stream")
        raise Refusal(404, "there is no such network here")

    def page_file(content: str | bytes, media_type: str) -> Callable:
        headers = {"cache-control": f"public, {FOREVER}"}
        return lambda request: Response(content, 200, headers, media_type)

    def html_page(html: str) -> Callable:
        # A response for each request: compression changes its headers.
        return lambda request: HTMLResponse(html)

    return [
        Route(f"/{NETWORK}", network),
        Route(f"/{NETWORK}/{{name}}.bin", network_file),
        *(Route(f"/{address}", page_file(*file)) for address, file in files.items()),
        *(Route(f"/{name}", html_page(html), methods=["GET"]) for name, html in pages.items()),
    ]


async def read_json(request: Request) -> Any:
    """The body's JSON. Raises Refusal where it is none."""
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "this is not JSON") from error


def json_response(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def answer(recognizer: Recognizer, content: Any) -> dict[str, Any]:
    """What `recognizer` reads in {"strokes": ...} or {"picture": data URL}.

    The answer has "probabilities" (ten), "digit" (None without ink), "runner_up",
    "verdict", "pixels" (784 in 0..255) and "network", the name of `recognizer`. Strokes have a
    "number" as well, with its "digits" from left to right (see `number`). Raises UserError for
    other content.
    """
    if not isinstance(content, dict) or not {"strokes", "picture"} & content.keys():
        raise UserError('expected {"strokes": ...} or {"picture": ...}')
    if "picture" in content:
        prediction, numbered = recognizer.predict_image(decode_picture(content["picture"])), {}
    else:
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
    """What strokes are when they may be several digits, "number" and "digits".

    Each digit has its own "digit", "probabilities", "verdict" and "pieces", [stroke, from, to]
    points of the strokes that have any. "number_verdict" and "confidence" are of all together, and
    "doubtful" is the place of the digit in question, None where the number is sure.
    """
    pairs = zip(found.digits, found.groups, strict=True)
    digits = [fields(digit) | {"pieces": pieces} for digit, pieces in pairs]
    whole = {"confidence": found.confidence, "number_verdict": found.verdict}
    return {"number": found.number, "digits": digits, **whole, "doubtful": found.doubtful}


def api_functions(
    reloader: ModelReloader, metrics: Metrics, api_error: Callable[[str], Exception]
) -> list[Callable]:
    """/predict and /predict_image for Gradio's clients and MCP; their docstrings are shown there.

    `api_error` makes the exception that shows a sentence to a client of Gradio's.
    """

    def predict(strokes: list[list[list[float]]]) -> dict[str, float]:
        """How probable each digit is for a drawing: strokes, lists of [x, y] points, y down."""
        with told("/predict"):
            return by_digit(reloader.current.predict_strokes(strokes))

    def predict_image(picture: str) -> dict[str, float]:
        """How probable each digit is for a picture of one, dark on light or light on dark.

        The picture is a data URL, data:image/png;base64,..., PNG, JPEG or WebP, of at most
        1024 pixels a side and 1 MiB.
        """
        with told("/predict_image"):
            return by_digit(reloader.current.predict_image(decode_picture(picture)))

    def by_digit(prediction: Prediction) -> dict[str, float]:
        return {str(digit): float(p) for digit, p in enumerate(prediction.probabilities)}

    @contextlib.contextmanager
    def told(endpoint: str) -> Iterator[None]:
        try:
            with metrics.prediction(endpoint):
                yield
        except Exception as error:
            raise api_error(metrics.refusal(endpoint, error).reason) from error

    return [predict, predict_image]
