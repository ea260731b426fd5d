"""The doors: POST /recognize for the page and anybody's programs, /healthz and /metrics.

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
from serving.refusal import Refusal, error_response
from ui.sketchpad import PEN_WIDTH, SIDE

# Threads that read drawings, and as many for pictures, which take longer: with more of them
# they wait for each other (docs/serving.md has the measurement).
WORKERS = 1
RECOGNIZE = "recognize"  # beside the page, wherever that is
HEALTHY = [[[30, 22], [70, 22], [45, 80]]]  # a 7
HEALTH_SECONDS = 5


def routes(recognizer: Recognizer, metrics: Metrics) -> list[Route]:
    """The routes of the doors, for the app that Gradio makes."""
    for_strokes, for_pictures = anyio.CapacityLimiter(WORKERS), anyio.CapacityLimiter(WORKERS)

    async def read(paper: Any) -> dict[str, Any]:
        workers = for_pictures if isinstance(paper, dict) and "picture" in paper else for_strokes
        return await anyio.to_thread.run_sync(read_paper, recognizer, paper, limiter=workers)

    async def recognize(request: Request) -> Response:
        check_signed_in(request)
        with metrics.prediction("/recognize"):
            try:
                answer = await read(orjson.loads(await request.body()))
            except orjson.JSONDecodeError as error:
                raise Refusal(400, 'this is not JSON: expected {"strokes": ...}') from error
            except ValueError as error:
                raise Refusal(422, str(error)) from error
        return Response(orjson.dumps(answer), media_type="application/json")

    async def healthz(request: Request) -> Response:
        """Healthy is who reads a drawing, in its turn and in time."""
        try:
            with anyio.fail_after(HEALTH_SECONDS):
                answer = await read({"strokes": HEALTHY})
        except Exception as error:
            metrics.failed("/healthz", error)
            return error_response(503, "No drawing can be read here.")
        return Response(orjson.dumps({"status": "ok", "digit": answer["digit"]}))

    async def show_metrics(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return [
        Route(f"/{RECOGNIZE}", recognize, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/metrics", show_metrics),
    ]


def check_signed_in(request: Request) -> None:
    """Raise Refusal where there are passwords and the request has no cookie of Gradio's login."""
    app = request.app
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    if app.auth is not None and not any(request.cookies.get(name) in app.tokens for name in names):
        raise Refusal(401, "you are not logged in: load the page again")


def read_paper(recognizer: Recognizer, paper: Any) -> dict[str, Any]:
    """What is on a paper, {"strokes": ...} or {"picture": data URL}, as the page shows it.

    The answer has "probabilities" (ten), "digit" (None without ink), "runner_up",
    "verdict" and "pixels" (784 in 0..255). With "details": true and ink it also has "shrunk",
    the "pixels" and "probabilities" of simple shrinking, and "why", the "contributions" of
    784 pixels and the "constant" of `Recognizer.explain`. Raises ValueError for other papers.
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
    }
    if paper.get("details") is True and prediction.digit is not None:
        shrunk = recognizer.predict_pixels(shrink())
        answer["shrunk"] = {
            "pixels": shrunk.pixels.ravel().tolist(),
            "probabilities": shrunk.probabilities.tolist(),
        }
        contributions, constant = recognizer.explain(prediction)
        rounded = contributions.astype(float).round(4)  # to half the bytes
        answer["why"] = {"contributions": rounded.ravel().tolist(), "constant": constant}
    return answer
