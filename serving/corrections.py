"""/corrections: store a correction, and list and delete one's own.

A person is known only by a random token in the header "x-token".
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

CORRECTIONS = "corrections"  # relative to the page
TURN_SECONDS = 2  # how long a request waits for the one before it
ANSWER_SECONDS = 5  # more than database.WRITE_SECONDS, after which a change is rolled back
LATE = "the database did not answer in time: ask again whether the change was made"


class Given(BaseModel):
    """A drawing and its digit. It may be sent again with the same id."""

    id: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="the client's choice")
    strokes: SkipValidation[models.Strokes]  # validated by parse_strokes
    label: StrictInt = Field(ge=0, le=9)


class Shown(BaseModel):
    """A correction, with the network's answer at that time."""

    id: str
    label: models.Digit
    answer: models.Digit | None
    network: str
    created: str = Field(description="ISO 8601, UTC")
    probabilities: models.Probabilities | None
    strokes: models.Strokes


def open_store(wanted: bool | None, public: bool) -> Corrections | None:
    """Open the store of corrections; None if it is not `wanted` or can't be opened.

    None for `wanted` means: unless the page is public.
    """
    if wanted is False or (wanted is None and public):
        return None
    try:
        return Corrections()
    except UserError as error:
        why = sentence(error)
        print(f"app.py: corrections can't be stored; the page works. {why}", file=sys.stderr)
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
    """A thread for database work, one request at a time."""

    def __init__(self) -> None:
        self.turn = anyio.Lock()

    async def run(self, work: Callable, *values: Any) -> Any:
        """Return work(*values).

        Raises Refusal: 507 if the database failed and nothing was changed, 503 "outcome_unknown" if
        it did not answer in time.
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
            raise Refusal(error.code, str(error)) from error
        except (OutcomeUnknown, TimeoutError) as error:
            raise Refusal("outcome_unknown", LATE) from error
        except StoreError as error:
            raise Refusal("not_stored", str(error)) from error
        finally:
            self.turn.release()


def correction_routes(reloader: ModelReloader, store: Corrections) -> APIRouter:
    """Routes /corrections and /corrections/ID."""
    router = APIRouter(prefix=f"/{CORRECTIONS}", responses=models.REFUSALS)
    database, reading = DatabaseThread(), anyio.CapacityLimiter(1)

    @router.post("", response_model=dict[str, str], openapi_extra=models.body_of(Given))
    async def add(request: Request, token: Token) -> Response:
        """Store a correction. After 503 "outcome_unknown" GET its id, or send it again."""
        given, network = validated(Given, await read_json(request)), reloader.current
        answer = await to_thread.run_sync(recognize, network, given.strokes, limiter=reading)
        read = (answer.digit, answer.probabilities.tolist(), network.name)
        key = await database.run(store.add, token, given.label, given.strokes, *read, given.id)
        return json_response({"id": key})

    @router.get("", response_model=dict[str, list[Shown]])
    async def show_all(token: Token) -> Response:
        """List one's own corrections, oldest first."""
        return Response(await database.run(all_of, store, token), media_type="application/json")

    @router.get("/{id}", response_model=Shown)
    async def show(token: Token, id: Id) -> Response:
        """Return one of one's own corrections. After 404 no earlier request can still add it."""
        if not (found := await database.run(store.get, token, id)):
            raise not_found("there is no such correction of yours")
        return Response(found.public(), media_type="application/json")

    @router.delete("", response_model=dict[str, int])
    async def remove_all(token: Token) -> Response:
        """Delete one's own corrections; returns how many."""
        return json_response({"removed": await database.run(store.delete_own, token)})

    @router.delete("/{id}", response_model=dict[str, int])
    async def remove(token: Token, id: Id) -> Response:
        """Delete one of one's own corrections; returns 1, or 0 if there is none."""
        return json_response({"removed": await database.run(store.delete_own, token, id)})

    return router


def recognize(recognizer: Recognizer, strokes: Any) -> Prediction:
    """Return the network's answer. Raises UserError for a drawing without ink."""
    with coded("invalid_strokes"):
        prediction = recognizer.predict_strokes(strokes)
        if prediction.digit is None:
            raise UserError("the drawing has no ink; expected a digit")
    return prediction


def all_of(store: Corrections, token: str) -> str:
    """Return the corrections of `token` as JSON, at most store.MAX_OF_TOKEN bytes."""
    rows = ", ".join(row.public() for row in store.of(token))
    return f'{{"corrections": [{rows}]}}'
