"""/corrections: keep one, list one's own, remove them.

A person is known only by a random token in the header "x-token", never in an address.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, Field, SkipValidation, StrictInt, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mnist_core import Prediction, Recognizer
from mnist_core.corrections.database import OutcomeUnknown, StoreError
from mnist_core.corrections.store import Corrections, NotKept, checked_key, checked_token
from mnist_core.errors import UserError
from serving import models
from serving.errors import Refusal, coded, sentence
from serving.limits import MinuteLimit, busy, client_name
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from serving.routes import json_response, read_json

CORRECTIONS = "corrections"  # beside the page
MAX_PER_ADDRESS, MAX_IN_ALL = 600, 3_000  # a minute: a class of 40 behind one address, 15 each
TURN_SECONDS = 2  # how long a request waits for the one before it
# By then a change has failed or is being committed: a late one is rolled back
# (database.WRITE_SECONDS).
ANSWER_SECONDS = 5
PAGE = 20  # rows shown at a time: of the largest drawings 1 MB
STATUSES = {"store_full": 507, "too_many_corrections": 429, "id_taken": 409}
LATE = "the database did not answer in time: ask again whether the change was made"
# By the field that is wrong, a code and a sentence.
WRONG_FIELDS = {
    "id": ("invalid_id", "the id is not 32 hex digits, 0-9 and a-f"),
    "label": ("invalid_label", "the label is not a digit, 0 to 9"),
}
WRONG_CORRECTION = (
    "invalid_correction",
    'expected {"id": 32 hex digits, "strokes": ..., "label": 0 to 9}',
)


class Given(BaseModel):
    """A drawing and the digit that it shows. It may be sent again with the same id."""

    id: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="the client's choice")
    strokes: SkipValidation[models.Strokes]  # checked by the network's own parser
    label: StrictInt = Field(ge=0, le=9)


class Kept(BaseModel):
    """The correction is on disk."""

    id: str


class Shown(BaseModel):
    """A correction, with what the network answered then."""

    id: str
    label: models.Digit
    answer: models.Digit | None
    network: str
    created: str = Field(description="ISO 8601, UTC")
    probabilities: models.Probabilities | None
    strokes: models.Strokes


class AllShown(BaseModel):
    corrections: list[Shown]


class Removed(BaseModel):
    removed: int


def open_store(wanted: bool | None, public: bool) -> Corrections | None:
    """The store of corrections; None if they are not `wanted` or it can't be opened.

    `wanted` None: kept unless the page is public.
    """
    if wanted is False or (wanted is None and public):
        return None
    try:
        return Corrections()
    except UserError as error:
        print(f"app.py: the network can't be corrected here. {sentence(error)}", file=sys.stderr)
        return None


async def checked_header(
    x_token: Annotated[str | None, Header(description="16 to 64 letters, digits, - or _")] = None,
) -> str:
    try:
        return checked_token(x_token)
    except UserError as error:
        raise Refusal(422, f"{error}: send it as x-token", code="invalid_token") from error


async def checked_id(id: str) -> str:
    with coded("invalid_id"):
        return checked_key(id)


Token = Annotated[str, Depends(checked_header)]
Id = Annotated[str, Depends(checked_id)]


def correction_routes(reloader: ModelReloader, store: Corrections, metrics: Metrics) -> APIRouter:
    """POST, GET and DELETE /corrections, GET and DELETE /corrections/ID."""
    answers = models.refusals(403, 404, 409, 411, 413, 422, 503, 507)
    router = APIRouter(prefix=f"/{CORRECTIONS}", responses=answers)
    do = Turns(metrics).do
    minute = MinuteLimit(MAX_PER_ADDRESS, MAX_IN_ALL, "corrections")
    reading = anyio.CapacityLimiter(1)

    @router.post("", response_model=Kept, openapi_extra=models.body_of(Given))
    async def keep(request: Request, token: Token) -> Response:
        """Keep a correction. After 503 "outcome_unknown" GET its id, or send it again."""
        given, network = parse(await read_json(request)), reloader.current
        answer = await to_thread.run_sync(recognize, network, given.strokes, limiter=reading)
        minute.count(client_name(request.client))  # malformed requests don't count
        read = (answer.digit, answer.probabilities.tolist(), network.name)
        key = await do(store.add, token, given.label, given.strokes, *read, given.id)
        return json_response({"id": key})

    @router.get("", response_model=AllShown)
    async def show_all(token: Token) -> Response:
        """All of one's own, the oldest first. If reading fails halfway the JSON ends early."""
        parts = shown(store, token)
        first = await do(next, parts)  # refusals come before the answer begins
        return StreamingResponse(stream(do, first, parts), media_type="application/json")

    @router.get("/{id}", response_model=Shown)
    async def show(token: Token, id: Id) -> Response:
        """One of one's own. 404 is final: it is not kept, nor about to be."""
        if not (found := await do(store.get, token, id)):
            raise Refusal(404, "there is no such correction of yours", code="not_found")
        return Response(found.public(), media_type="application/json")

    @router.delete("", response_model=Removed)
    async def remove_all(token: Token) -> Response:
        """Remove all of one's own; answers how many."""
        return json_response({"removed": await do(store.delete_own, token)})

    @router.delete("/{id}", response_model=Removed)
    async def remove(token: Token, id: Id) -> Response:
        """Remove one of one's own; answers 1, or 0 if it is not there."""
        return json_response({"removed": await do(store.delete_own, token, id)})

    return router


class Turns:
    """Runs database work in a thread, one request at a time, so that the event loop stays free."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics, self.turn = metrics, anyio.Lock()

    async def do(self, work: Callable, *values: Any) -> Any:
        """Return work(*values).

        Raises Refusal: 507 if the database fails and nothing was changed, 503 "outcome_unknown" if
        it does not answer in time; the thread is then abandoned.
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
    """Yield `part`, then the `others`, each made in a thread just before it is sent."""
    while part:
        yield part
        part = await do(next, others, b"")


def parse(content: Any) -> Given:
    """Raises Refusal if `content` is not a `Given`."""
    try:
        return Given.model_validate(content)
    except ValidationError as error:
        field = next(iter(error.errors()[0]["loc"]), None)
        code, reason = WRONG_FIELDS.get(field, WRONG_CORRECTION)
        raise Refusal(422, reason, code=code) from None


def recognize(recognizer: Recognizer, strokes: Any) -> Prediction:
    """The network's own answer; the client's word for it is not taken."""
    with coded("invalid_strokes"):
        prediction = recognizer.predict_strokes(strokes)
        if prediction.digit is None:
            raise UserError("the drawing has no ink: draw the digit first")
    return prediction


def shown(store: Corrections, token: str) -> Iterator[bytes]:
    """Yield the corrections of `token` as JSON, without the token, a page of rows at a time."""
    before, last = '{"corrections":[', 0
    while page := store.of(token, last, PAGE):
        yield (before + ",".join(row.public() for row in page)).encode()
        before, last = ",", page[-1].id
    yield b"]}" if last else f"{before}]}}".encode()
