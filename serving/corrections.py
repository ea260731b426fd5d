"""/corrections: keep one, show and remove what the same person has given.

Who asks is known by a random token alone, in the header "x-token", never in an address.
"""

import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mnist_core import Prediction, Recognizer
from mnist_core.corrections.database import OutcomeUnknown, StoreError
from mnist_core.corrections.store import Corrections, NotKept, checked_key, checked_token
from mnist_core.drawing.strokes import check_label
from mnist_core.errors import UserError
from serving.errors import Refusal, coded, sentence
from serving.limits import MinuteLimit, busy, client_name
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from serving.routes import json_response, read_json

CORRECTIONS = "corrections"  # beside the page
MAX_PER_ADDRESS, MAX_IN_ALL = 600, 3_000  # a minute: a class of 40 behind one address, 15 each
TURN_SECONDS = 2  # how long to wait for one's turn
# What is not answered by then has failed or is being committed: a change that is late is rolled
# back (database.WRITE_SECONDS).
ANSWER_SECONDS = 5
PAGE = 20  # rows shown at a time: of the largest drawings 1 MB
STATUSES = {"store_full": 507, "too_many_corrections": 429, "id_taken": 409}
LATE = "the database did not answer in time: ask again whether the change was made"


class Given(BaseModel):
    """A drawing and the digit that it is. The same one may be sent under its id again."""

    id: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="the client's choice")
    strokes: list[list[tuple[float, float]]]
    label: int = Field(ge=0, le=9)


class Kept(BaseModel):
    """The correction is on disk."""

    id: str


class Shown(BaseModel):
    """A correction, with what the network answered then; `created` is ISO 8601, UTC."""

    id: str
    label: int
    answer: int | None
    network: str
    created: str
    probabilities: list[float] | None
    strokes: list[list[tuple[float, float]]]


class AllShown(BaseModel):
    corrections: list[Shown]


class Removed(BaseModel):
    removed: int


def open_store(wanted: bool | None, public: bool) -> Corrections | None:
    """Where corrections are kept; None where they are not wanted or can't be.

    Unless told (None), they are kept if the page is not public.
    """
    if wanted is False or (wanted is None and public):
        return None
    try:
        return Corrections()
    except UserError as error:
        print(f"app.py: the network can't be corrected here. {sentence(error)}", file=sys.stderr)
        return None


def correction_routes(reloader: ModelReloader, store: Corrections, metrics: Metrics) -> APIRouter:
    """POST, GET and DELETE /corrections, GET and DELETE /corrections/ID."""
    router = APIRouter(prefix=f"/{CORRECTIONS}")
    do = Turns(metrics).do
    minute = MinuteLimit(MAX_PER_ADDRESS, MAX_IN_ALL, "corrections")
    reading = anyio.CapacityLimiter(1)
    body = {"requestBody": {"content": {"application/json": {"schema": Given.model_json_schema()}}}}

    @router.post("", response_model=Kept, openapi_extra=body)
    async def keep(request: Request) -> Response:
        """Keep a correction. After 503 "outcome_unknown" GET its id, or send it again."""
        whose, given, network = token(request), read(await read_json(request)), reloader.current
        answer = await to_thread.run_sync(recognize, network, given["strokes"], limiter=reading)
        minute.count(client_name(request.client))  # what was malformed did not count
        add = (store.add, whose, given["label"], given["strokes"])
        row = (*add, answer.digit, answer.probabilities.tolist(), network.name, given.get("id"))
        return json_response({"id": await do(*row)})

    @router.get("", response_model=AllShown)
    async def show_all(request: Request) -> Response:
        """All of one's own, the oldest first; cut short, and so no JSON, if reading fails."""
        parts = shown(store, token(request))
        first = await do(next, parts)  # what is refused is refused before an answer begins
        return StreamingResponse(stream(do, first, parts), media_type="application/json")

    @router.get("/{id}", response_model=Shown)
    async def show(request: Request, id: str) -> Response:
        """One of one's own. 404 is final: it is not kept, nor about to be."""
        if not (found := await do(store.get, token(request), known_id(id))):
            raise Refusal(404, "there is no such correction of yours", code="not_found")
        return Response(found.public(), media_type="application/json")

    @router.delete("", response_model=Removed)
    async def remove_all(request: Request) -> Response:
        """Remove all of one's own: how many."""
        return json_response({"removed": await do(store.delete_own, token(request))})

    @router.delete("/{id}", response_model=Removed)
    async def remove(request: Request, id: str) -> Response:
        """Remove one of one's own: 1, or 0 where it is not there."""
        removed = await do(store.delete_own, token(request), known_id(id))
        return json_response({"removed": removed})

    return router


class Turns:
    """Work on the database, one at a time, in a thread: the event loop stays free for who draws."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics, self.turn = metrics, anyio.Lock()

    async def do(self, work: Callable, *values: Any) -> Any:
        """What `work` returns.

        Raises Refusal 507 where the database fails and nothing was changed, and 503 with the code
        "outcome_unknown" where it stands still; its thread is left alone then.
        """
        try:
            with anyio.fail_after(TURN_SECONDS):
                await self.turn.acquire()
        except TimeoutError as error:
            raise busy() from error
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                return await to_thread.run_sync(work, *values, abandon_on_cancel=True)
        except NotKept as error:
            raise Refusal(STATUSES.get(error.code, 422), str(error), code=error.code) from error
        except (OutcomeUnknown, TimeoutError) as error:
            self.metrics.failed(f"/{CORRECTIONS}", error)
            raise Refusal(503, LATE, code="outcome_unknown") from error
        except StoreError as error:
            self.metrics.failed(f"/{CORRECTIONS}", error)
            raise Refusal(507, str(error), code="not_stored") from error
        finally:
            self.turn.release()


async def stream(do: Callable, part: bytes, others: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`part`, then the `others`, each made in a thread when it is sent."""
    while part:
        yield part
        part = await do(next, others, b"")


def token(request: Request) -> str:
    try:
        return checked_token(request.headers.get("x-token"))
    except UserError as error:
        raise Refusal(422, f"{error}: send it as x-token", code="invalid_token") from error


def known_id(id: str) -> str:
    try:
        return checked_key(id)
    except UserError as error:
        raise Refusal(422, str(error), code="invalid_id") from error


def read(content: Any) -> dict[str, Any]:
    """`content`, where it is a `Given` but for its strokes, which the network's reader checks."""
    if not isinstance(content, dict) or not {"strokes", "label"} <= content.keys():
        words = 'expected {"id": 32 hex digits, "strokes": ..., "label": 0 to 9}'
        raise Refusal(422, words, code="invalid_correction")
    try:
        check_label(content["label"])
    except UserError as error:
        raise Refusal(422, "the label is not a digit, 0 to 9", code="invalid_label") from error
    id = content.get("id")
    if id is not None and not (isinstance(id, str) and re.fullmatch("[0-9a-f]{32}", id)):
        raise Refusal(422, "the id is not 32 hex digits, 0-9 and a-f", code="invalid_id")
    return content


def recognize(recognizer: Recognizer, strokes: Any) -> Prediction:
    """What the network answers now: a client's word for it is not taken."""
    with coded("invalid_strokes"):
        prediction = recognizer.predict_strokes(strokes)
        if prediction.digit is None:
            raise UserError("the drawing has no ink: draw the digit first")
    return prediction


def shown(store: Corrections, token: str) -> Iterator[bytes]:
    """The corrections of `token` as JSON, without it, a page of rows at a time."""
    before, last = '{"corrections":[', 0
    while page := store.of(token, last, PAGE):
        yield (before + ",".join(row.public() for row in page)).encode()
        before, last = ",", page[-1].id
    yield b"]}" if last else f"{before}]}}".encode()
