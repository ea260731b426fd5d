"""The doors: POST /recognize for the page and anybody's programs, /network, /healthz, /metrics.

A door keeps nothing between two requests, so that any replica can answer any of them. What
it refuses it answers with HTTP 4xx and {"error": a sentence}.
"""

import functools
from typing import Any

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core import Recognizer
from mnist_core.framing import frame_strokes, shrink_picture, shrink_strokes
from mnist_core.pictures import decode_picture
from mnist_core.strokes import parse_strokes
from serving.metrics import CONTENT_TYPE, Metrics
from serving.networks import Networks
from serving.refusal import Refusal, error_response
from ui.sketchpad import PEN_WIDTH, SIDE

# Threads that read drawings, and as many for pictures, which take longer: with more of them
# they wait for each other (docs/serving.md has the measurement).
WORKERS = 1
RECOGNIZE, NETWORK = "recognize", "network"  # beside the page, wherever that is
HEALTHY = [[[30, 22], [70, 22], [45, 80]]]  # a 7
HEALTH_SECONDS = 5


def routes(networks: Networks, metrics: Metrics) -> list[Route]:
    """The routes of the doors, for the app that Gradio makes."""
    for_strokes, for_pictures = anyio.CapacityLimiter(WORKERS), anyio.CapacityLimiter(WORKERS)

    async def read(paper: Any) -> dict[str, Any]:
        workers = for_pictures if isinstance(paper, dict) and "picture" in paper else for_strokes
        values = (networks.current, paper, networks.previous)
        return await anyio.to_thread.run_sync(read_paper, *values, limiter=workers)

    async def recognize(request: Request) -> Response:
        check_signed_in(request)
        with metrics.prediction("/recognize"):
            paper = await read_json(request)
            try:
                answer = await read(paper)
            except ValueError as error:
                raise Refusal(422, str(error)) from error
        return json_response(answer)

    async def network(request: Request) -> Response:
        """What the model card says of the network that answers now."""
        check_signed_in(request)
        return json_response(networks.current.config)

    async def healthz(request: Request) -> Response:
        """Healthy is who reads a drawing, in its turn and in time."""
        try:
            with anyio.fail_after(HEALTH_SECONDS):
                answer = await read({"strokes": HEALTHY})
        except Exception as error:
            metrics.failed("/healthz", error)
            return error_response(503, "No drawing can be read here.")
        return json_response({"status": "ok", "digit": answer["digit"]})

    async def show_metrics(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return [
        Route(f"/{RECOGNIZE}", recognize, methods=["POST"]),
        Route(f"/{NETWORK}", network),
        Route("/healthz", healthz),
        Route("/metrics", show_metrics),
    ]


def check_signed_in(request: Request) -> None:
    """Raise Refusal where there are passwords and the request has no cookie of Gradio's login."""
    app = request.app
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    if app.auth is not None and not any(request.cookies.get(name) in app.tokens for name in names):
        raise Refusal(401, "you are not logged in: load the page again")


async def read_json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "this is not JSON") from error


def json_response(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def read_paper(
    recognizer: Recognizer, paper: Any, previous: Recognizer | None = None
) -> dict[str, Any]:
    """What is on a paper, {"strokes": ...} or {"picture": data URL}, as the page shows it.

    The answer has "probabilities" (ten), "digit" (None without ink), "runner_up",
    "verdict", "pixels" (784 in 0..255) and "network", the name of `recognizer`. With
    "details": true and ink it also has "shrunk", the "pixels" and "probabilities" of simple
    shrinking; "why", the "contributions" of 784 pixels and the "constant" of
    `Recognizer.explain`; and, where there is a `previous` network, "before", its "network"
    and "probabilities". Raises ValueError for other papers.
    """
    if not isinstance(paper, dict) or not {"strokes", "picture"} & paper.keys():
        raise ValueError('expected {"strokes": ...} or {"picture": ...}')
    if "picture" in paper:
        picture = decode_picture(paper["picture"])
        prediction = recognizer.predict_image(picture)
        shrink = functools.partial(shrink_picture, picture)
    else:
        strokes = parse_strokes(paper["strokes"])
        prediction = recognizer.predict_pixels(frame_strokes(strokes))
        shrink = functools.partial(shrink_strokes, strokes, SIDE, PEN_WIDTH)
    answer = {
        "probabilities": prediction.probabilities.tolist(),
        "digit": prediction.digit,
        "runner_up": prediction.runner_up,
        "verdict": prediction.verdict,
        "pixels": prediction.pixels.ravel().tolist(),
        "network": recognizer.name,
    }
    if paper.get("details") is True and prediction.digit is not None:
        shrunk = recognizer.predict_pixels(shrink())
        answer["shrunk"] = {
            "pixels": shrunk.pixels.ravel().tolist(),
            "probabilities": shrunk.probabilities.tolist(),
        }
        contributions, constant = recognizer.explain(prediction)
        rounded = contributions.astype(float).round(4)  # to half the bytes
        if previous:
            before = previous.predict_pixels(prediction.pixels).probabilities.tolist()
            answer["before"] = {"network": previous.name, "probabilities": before}
        answer["why"] = {"contributions": rounded.ravel().tolist(), "constant": constant}
    return answer
