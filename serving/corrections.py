"""/corrections: keep one, list one's own, remove them.

A person is known only by a random token in the header "x-token", never in an address.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, Field, SkipValidation, StrictInt
from starlette.requests import Request
from starlette.responses import Response

from mnist_core import Prediction, Recognizer
from mnist_core.corrections.database import OutcomeUnknown, StoreError
from mnist_core.corrections.store import Corrections, NotKept, checked_key, checked_token
from mnist_core.errors import UserError
from serving import models
from serving.errors import Refusal, busy, coded, not_found, sentence
from serving.models import json_response, read_json, validated
from serving.reloader import ModelReloader

CORRECTIONS = "corrections"  # beside the page
TURN_SECONDS = 2  # how long a request waits for the one before it
# By then a change has failed or is being committed: a late one is rolled back
# (database.WRITE_SECONDS).
ANSWER_SECONDS = 5
STATUSES = {"store_full": 507, "too_many_corrections": 429, "id_taken": 409}
LATE = "the database did not answer in time: ask again whether the change was made"


class Given(BaseModel):
    """A drawing and the digit that it shows. It may be sent again with the same id."""

    id: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="the client's choice")
    strokes: SkipValidation[models.Strokes]  # checked by the network's own parser
    label: StrictInt = Field(ge=0, le=9)


class Shown(BaseModel):
    """A correction, with what the network answered then."""

    id: str
    label: models.Digit
    answer: models.Digit | None
    network: str
    created: str = Field(description="ISO 8601, UTC")
    probabilities: models.Probabilities | None
    strokes: models.Strokes


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


async def token_header(
    x_token: Annotated[str | None, Header(description="16 to 64 letters, digits, - or _")] = None,
) -> str:
    with coded("invalid_input"):
        return checked_token(x_token)


async def id_in_path(id: str) -> str:
    with coded("invalid_input"):
        return checked_key(id)


Token = Annotated[str, Depends(token_header)]
Id = Annotated[str, Depends(id_in_path)]


class DatabaseThread:
    """Runs database work in a thread, one request at a time, so that the event loop stays free."""

    def __init__(self) -> None:
        self.turn = anyio.Lock()

    async def run(self, work: Callable, *values: Any) -> Any:
        """Return work(*values).

        Raises Refusal: 507 if the database fails and nothing was changed, 503 "outcome_unknown" if
        it does not answer in time; the thread is then abandoned.
        """
        try:
            with anyio.fail_after(TURN_SECONDS):
                await self.turn.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                return await to_thread.run_sync(work, *values, abandon_on_cancel=True)
        except NotKept as error:
            raise Refusal(STATUSES.get(error.code, 422), str(error), code=error.code) from error
        except (OutcomeUnknown, TimeoutError) as error:
            raise Refusal(503, LATE, code="outcome_unknown") from error
        except StoreError as error:
            raise Refusal(507, str(error), code="not_stored") from error
        finally:
            self.turn.release()


def correction_routes(reloader: ModelReloader, store: Corrections) -> APIRouter:
    """POST, GET and DELETE /corrections, GET and DELETE /corrections/ID."""
    router = APIRouter(prefix=f"/{CORRECTIONS}", responses=models.REFUSALS)
    database, reading = DatabaseThread(), anyio.CapacityLimiter(1)

    @router.post("", response_model=dict[str, str], openapi_extra=models.body_of(Given))
    async def keep(request: Request, token: Token) -> Response:
        """Keep a correction. After 503 "outcome_unknown" GET its id, or send it again."""
        given, network = validated(Given, await read_json(request)), reloader.current
        answer = await to_thread.run_sync(recognize, network, given.strokes, limiter=reading)
        read = (answer.digit, answer.probabilities.tolist(), network.name)
        key = await database.run(store.add, token, given.label, given.strokes, *read, given.id)
        return json_response({"id": key})

    @router.get("", response_model=dict[str, list[Shown]])
    async def show_all(token: Token) -> Response:
        """All of one's own, the oldest first."""
        return Response(await database.run(all_of, store, token), media_type="application/json")

    @router.get("/{id}", response_model=Shown)
    async def show(token: Token, id: Id) -> Response:
        """One of one's own. 404 is final: it is not kept, nor about to be."""
        if not (found := await database.run(store.get, token, id)):
            raise not_found("there is no such correction of yours")
        return Response(found.public(), media_type="application/json")

    @router.delete("", response_model=dict[str, int])
    async def remove_all(token: Token) -> Response:
        """Remove all of one's own; answers how many."""
        return json_response({"removed": await database.run(store.delete_own, token)})

    @router.delete("/{id}", response_model=dict[str, int])
    async def remove(token: Token, id: Id) -> Response:
        """Remove one of one's own; answers 1, or 0 if it is not there."""
        return json_response({"removed": await database.run(store.delete_own, token, id)})

    return router


def recognize(recognizer: Recognizer, strokes: Any) -> Prediction:
    """The network's own answer; the client's word for it is not taken."""
    with coded("invalid_strokes"):
        prediction = recognizer.predict_strokes(strokes)
        if prediction.digit is None:
            raise UserError("the drawing has no ink: draw the digit first")
    return prediction


def all_of(store: Corrections, token: str) -> str:
    """The corrections of `token` as JSON: 10 MB at most, as much as is kept of one person."""
    rows = ", ".join(row.public() for row in store.of(token))
    return f'{{"corrections": [{rows}]}}'
