"""A class draws: from pupils' pages to the wall of their teacher, who knows its secret address.

Drawings have no names. They are in memory alone, and gone when the server ends. A phone is a random
number in a cookie; those without one, as scripts, count as one phone for each address.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field, SkipValidation, StrictBool, StrictInt
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from serving import limits, models
from serving.errors import Refusal, coded, not_found
from serving.models import json_response, read_json, validated
from serving.reloader import ModelReloader
from ui.document import wall_document

CLASS, WALL = "class", "wall"  # relative to the page
PHONE = "draw-a-digit-phone"  # the cookie
HEARTBEAT = 15  # seconds: proxies close connections in which nothing happens
NO_STORE = {"cache-control": "no-store", "x-accel-buffering": "no"}  # nginx would wait for more
Weight = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]


class Task(BaseModel):
    """What the class does; without a digit all of them in turn."""

    kind: Literal["draw", "fool", "piles", "teach"]
    digit: models.Digit | None


class Sent(BaseModel):
    """A pupil's drawing, and the digit that the task asked for."""

    label: StrictInt = Field(ge=0, le=9)
    strokes: SkipValidation[models.Strokes]  # validated by parse_strokes


class Vote(BaseModel):
    """Whether a drawing is the digit that it should be; a phone's last vote counts."""

    id: StrictInt
    yes: StrictBool


class Lent(BaseModel):
    """The last layer of a taught network, for phones that have the network of this name."""

    network: str = Field(pattern="^[0-9a-f]{8}$")
    weights: list[Weight]


class Command(BaseModel, extra="forbid"):
    """What the teacher wants; drawings are named by their ids."""

    task: Task | None = None
    show: set[StrictInt] = set()
    hide: set[StrictInt] = set()
    remove: set[StrictInt] = set()
    ask: set[StrictInt] | None = None  # the class about these, if they are shown, and no others
    lend: Lent | None = None  # null takes it back


@dataclass
class Drawing:
    id: int
    label: int
    task: str
    phone: str
    strokes: list
    changed: int  # the version of the class
    shown: bool = False
    asked: bool = False
    votes: dict[str, bool] = field(default_factory=dict)

    def for_wall(self) -> dict[str, Any]:
        counts = {"votes": len(self.votes), "yes": sum(self.votes.values())}
        return {name: value for name, value in vars(self).items() if name != "phone"} | counts

    def for_pupils(self) -> dict[str, Any]:
        return {"id": self.id, "label": self.label, "strokes": self.strokes}


class Classroom:
    """One lesson. Only the server's event loop changes it, and `version` counts the changes."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(16)
        self.invitation: dict[str, str] | None = None  # the pupils' address and its QR code
        self.drawings: list[Drawing] = []
        self.streams: dict[str, object | None] = {}  # the newest of each phone
        self.new_phones = limits.RateLimit(limits.MAX_NEW_PHONES, limits.NEW_PHONE_SECONDS)
        self.sendings = limits.RateLimit(limits.MAX_DRAWINGS_A_MINUTE, 60)
        self.task, self.lent = Task(kind="draw", digit=7), None
        self.version = self.last_id = self.lent_since = 0
        self.changed, self.is_over, self.loop = asyncio.Event(), False, None

    def close(self) -> None:
        """Let all streams end, or the server would wait for them."""
        self.is_over = True
        if self.loop:
            self.loop.call_soon_threadsafe(self.changed.set)

    def check_secret(self, guess: str) -> None:
        """Raise the Refusal of addresses that don't exist for a wrong `guess`."""
        if not secrets.compare_digest(guess.encode(), self.secret.encode()):
            raise not_found()

    def note_change(self) -> None:
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()

    def phone_of(self, request: Request) -> str:
        """Return the name of a phone that this class knows, else the address of the client."""
        name = request.cookies.get(PHONE, "")
        return name if name in self.streams else limits.client_host(request)

    def name_phone(self, address: str) -> str | None:
        """Return a name for a new phone; None if too many come from its address."""
        if not self.new_phones.acquire(address):
            return None
        name = secrets.token_urlsafe(16)
        self.streams[name] = None
        if len(self.streams) > limits.MAX_PHONES_KNOWN:
            del self.streams[next(iter(self.streams))]  # the oldest
        return name

    def add(self, sent: Sent, phone: str = "") -> None:
        """Add a drawing, hidden. Raises UserError for invalid strokes.

        Without room the oldest goes of those by the phone that sent most: a flood displaces itself.
        """
        strokes = [stroke.tolist() for stroke in parse_strokes(sent.strokes)]
        if not strokes:
            raise UserError("the drawing has no ink; expected a digit")
        self.last_id += 1
        kind, version = self.task.kind, self.version + 1
        self.drawings.append(Drawing(self.last_id, sent.label, kind, phone, strokes, version))
        if len(self.drawings) > limits.MAX_CLASS_DRAWINGS:
            ((most, _),) = Counter(drawing.phone for drawing in self.drawings).most_common(1)
            self.drawings.remove(next(each for each in self.drawings if each.phone == most))
        self.note_change()

    def vote(self, vote: Vote, phone: str) -> None:
        """Count a vote. Raises Refusal if the class is not asked about that drawing."""
        drawing = next((each for each in self.drawings if each.id == vote.id), None)
        is_full = drawing and len(drawing.votes.keys() | {phone}) > limits.MAX_CLASS_VOTES
        if not drawing or not drawing.asked or is_full:
            raise not_found("the class is not asked about this drawing")
        drawing.votes[phone] = vote.yes
        drawing.changed = self.version + 1
        self.note_change()

    def obey(self, command: Command) -> None:
        version = self.version + 1
        self.drawings = [each for each in self.drawings if each.id not in command.remove]
        for drawing in self.drawings:
            shown = (drawing.shown or drawing.id in command.show) and drawing.id not in command.hide
            goes_on = drawing.asked and command.task is None
            asked = goes_on if command.ask is None else drawing.id in command.ask
            if (shown, shown and asked) != (drawing.shown, drawing.asked):
                drawing.shown, drawing.asked, drawing.changed = shown, shown and asked, version
        self.task = command.task or self.task
        if "lend" in command.model_fields_set:
            self.lent, self.lent_since = command.lend, version
        self.note_change()

    def for_wall(self, since: int) -> dict[str, Any]:
        """Return what is new since a version, and the ids of all drawings that are left."""
        changed = [drawing.for_wall() for drawing in self.drawings if drawing.changed > since]
        ids = [drawing.id for drawing in self.drawings]
        is_lent = self.lent is not None
        return {"task": self.task.model_dump(), "lent": is_lent, "changed": changed, "ids": ids}

    def for_pupils(self, since: int) -> dict[str, Any]:
        """Return the task, what the class is asked about, and what is lent if that is new."""
        asked = [drawing.for_pupils() for drawing in self.drawings if drawing.asked]
        lent = self.lent and self.lent.model_dump()
        found = {"task": self.task.model_dump(), "asked": asked}
        return found | ({"lent": lent} if self.lent_since > since else {})

    async def events(
        self, view: Callable[[int], dict[str, Any]], phone: str = ""
    ) -> AsyncIterator[bytes]:
        """Yield what `view` gives, as server-sent events, whenever it changes, or a heartbeat.

        A known phone's new stream ends its old one, which may lead nowhere: the phone slept.
        """
        since, last, self.loop, own = -1, b"", asyncio.get_running_loop(), object()
        if phone in self.streams:
            self.streams[phone] = own
        yield b"retry: 1000\n\n"  # milliseconds, where the connection is lost
        while not self.is_over and self.streams.get(phone, own) is own:
            changed, content = self.changed, orjson.dumps(view(since))
            since = self.version
            if content != last:
                yield b"data: %b\n\n" % content
            last = content
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except asyncio.TimeoutError:
                last = b""


def class_routes(classroom: Classroom) -> APIRouter:
    """The pupils' routes: they send drawings, vote, and hear what to do."""
    router = APIRouter(prefix=f"/{CLASS}", responses=models.REFUSALS)

    @router.post("", openapi_extra=models.body_of(Sent))
    async def send(request: Request) -> Response:
        """Send a drawing to the wall."""
        if len(await request.body()) > limits.MAX_CLASS_DRAWING:
            reason = f"expected at most {limits.MAX_CLASS_DRAWING} bytes: draw with less ink"
            raise Refusal("too_large", reason)
        phone = classroom.phone_of(request)
        if not classroom.sendings.acquire(phone):
            reason = f"expected at most {limits.MAX_DRAWINGS_A_MINUTE} drawings a minute: wait"
            raise Refusal("too_many_drawings", reason, **{"retry-after": "60"})
        with coded("invalid_strokes"):
            classroom.add(validated(Sent, await read_json(request)), phone)
        return json_response({})

    @router.post("/vote", openapi_extra=models.body_of(Vote))
    async def vote(request: Request) -> Response:
        """Say whether a drawing is the digit that it should be."""
        classroom.vote(validated(Vote, await read_json(request)), classroom.phone_of(request))
        return json_response({})

    @router.get("/stream", response_class=StreamingResponse)
    async def stream(request: Request) -> Response:
        """Follow the task, and what the class is asked about, as server-sent events."""
        phone = classroom.phone_of(request)
        name = None if phone in classroom.streams else classroom.name_phone(phone)
        events = classroom.events(classroom.for_pupils, name or phone)
        response = StreamingResponse(events, 200, NO_STORE, "text/event-stream")
        if name:
            response.set_cookie(PHONE, name, httponly=True, samesite="lax")
        return response

    return router


def wall_routes(
    classroom: Classroom, reloader: ModelReloader, settings: dict[str, Any]
) -> APIRouter:
    """The teacher's routes, below the secret address."""
    router = APIRouter(prefix=f"/{WALL}/{{secret}}", include_in_schema=False)

    @router.get("")
    async def wall(secret: str) -> Response:
        classroom.check_secret(secret)
        own = {"root": settings["root"] or "/", "wall": f"{WALL}/{secret}"}
        own |= {"invitation": classroom.invitation, "network_name": reloader.current.name}
        page = wall_document({**settings, **own})
        policy = f"{page.policy}; frame-ancestors 'none'"
        return HTMLResponse(page.html, 200, {**NO_STORE, "content-security-policy": policy})

    @router.get("/stream")
    async def stream(secret: str) -> Response:
        classroom.check_secret(secret)
        events = classroom.events(classroom.for_wall)
        return StreamingResponse(events, 200, NO_STORE, "text/event-stream")

    @router.post("")
    async def obey(secret: str, request: Request) -> Response:
        classroom.check_secret(secret)
        command = validated(Command, await read_json(request))
        expected = 10 * ((reloader.current.config["hidden"] or [784])[-1] + 1)
        if command.lend and len(command.lend.weights) != expected:
            raise Refusal("invalid_input", f"lend: expected {expected} weights")
        classroom.obey(command)
        return json_response({})

    return router
