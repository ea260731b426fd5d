"""/corrections: keep one, show and remove what the same browser has given.

Who asks is known by a random token alone, in the header "x-token", never in an address.
"""

import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mnist_core import Recognizer
from mnist_core.corrections.store import Corrections, LimitReached, StoreError
from mnist_core.errors import UserError
from serving.errors import Refusal, sentence
from serving.limits import MinuteLimit, client_name
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from serving.routes import json_response, read_json

CORRECTIONS = "corrections"  # beside the page
# In a minute. A class of 40 behind one address, each giving 15; tokens a client can make up, an
# address it can't.
MAX_PER_ADDRESS, MAX_IN_ALL = 600, 3_000
# Browsers that were not seen in this minute, twice those of the class.
TOKENS_PER_ADDRESS, TOKENS_IN_ALL = 80, 400
ANSWER_SECONDS = 4  # that an answer may take, in the queue too
PAGE = 20  # rows shown at a time: of the largest drawings 1 MB


def open_store(wanted: bool | None, public: bool) -> Corrections | None:
    """Where corrections are kept; None where they are not wanted or can't be.

    Nobody having said (None), they are kept unless the page is public.
    """
    if wanted is False or (wanted is None and public):
        return None
    try:
        return Corrections()
    except UserError as error:
        print(f"app.py: the network can't be corrected here. {sentence(error)}", file=sys.stderr)
        return None


def correction_routes(reloader: ModelReloader, store: Corrections, metrics: Metrics) -> APIRouter:
    """POST and GET /corrections, DELETE /corrections and /corrections/ID."""
    # One at a time: the database lets one write anyway.
    do = functools.partial(answer, anyio.CapacityLimiter(1), metrics)
    given = MinuteLimit(MAX_PER_ADDRESS, MAX_IN_ALL, "corrections")

    async def keep(request: Request) -> Response:
        """{"strokes": ..., "label": 0 to 9} -> {"id": ...}, once it is on disk."""
        token = signed_in_token(request)
        client = client_name(request.client)
        given.count(client)
        correction = await read_json(request)
        return json_response(await do(save, reloader.current, store, token, correction))

    async def show(request: Request) -> Response:
        """{"corrections": [...]}, the oldest first; cut short, and so no JSON, if reading fails."""
        parts = shown(store, signed_in_token(request))
        first = await do(next, parts)  # what is refused is refused before an answer begins
        return StreamingResponse(stream(do, first, parts), media_type="application/json")

    async def remove(request: Request) -> Response:
        """{"removed": how many}."""
        token, number = signed_in_token(request), request.path_params.get("id")
        if number is None:
            return json_response({"removed": await do(store.delete_all, token)})
        return json_response({"removed": int(await do(store.delete, number, token))})

    served = [
        Route(f"/{CORRECTIONS}", keep, methods=["POST"]),
        Route(f"/{CORRECTIONS}", show, methods=["GET"]),
        Route(f"/{CORRECTIONS}", remove, methods=["DELETE"]),
        Route(f"/{CORRECTIONS}/{{id:int}}", remove, methods=["DELETE"]),
    ]
    return APIRouter(routes=served)


async def stream(do: Callable, part: bytes, others: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`part`, then the `others`, each made in the worker when it is sent."""
    while part:
        yield part
        part = await do(next, others, b"")


async def answer(one: anyio.CapacityLimiter, metrics: Metrics, work: Callable, *values: Any) -> Any:
    """What `work` returns: the event loop stays free for who draws.

    A database may stand still: its thread is left alone then, and server.py does not wait for it.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            return await to_thread.run_sync(work, *values, limiter=one, abandon_on_cancel=True)
    except LimitReached as error:
        raise Refusal(429, str(error), code="too_many_requests") from error
    except (StoreError, TimeoutError) as error:
        metrics.failed(f"/{CORRECTIONS}", error)
        reason = str(error) or "the database takes too long to answer: try again later"
        raise Refusal(507, reason, code="not_stored") from error


def signed_in_token(request: Request) -> str:
    """The token of a request, from somebody who is logged in where that is needed."""
    return request.headers.get("x-token", "")


def save(recognizer: Recognizer, store: Corrections, token: str, content: Any) -> dict[str, int]:
    """Keep a correction with what the network answers to it: a browser's word is not taken."""
    if not isinstance(content, dict) or not {"strokes", "label"} <= content.keys():
        raise UserError('expected {"strokes": ..., "label": 0 to 9}')
    strokes, label = content["strokes"], content["label"]
    if type(label) is not int or not 0 <= label <= 9:  # the store would quote it
        raise UserError("the label is not a digit, 0 to 9")
    prediction = recognizer.predict_strokes(strokes)
    probabilities = prediction.probabilities.tolist()
    number = store.add(token, label, strokes, prediction.digit, probabilities, recognizer.name)
    return {"id": number}


def shown(store: Corrections, token: str) -> Iterator[bytes]:
    """The corrections of `token` as JSON, without it, a page of rows at a time."""
    before, last = '{"corrections":[', 0
    while page := store.of(token, last, PAGE):
        yield (before + ",".join(row.public() for row in page)).encode()
        before, last = ",", page[-1].id
    yield b"]}" if last else f"{before}]}}".encode()
