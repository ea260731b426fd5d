"""/training: train a network while the page looks on, where page and person share a machine.

scripts/train.py does it in a process of its own, so that the server keeps its memory and its
answers; its snapshots are streamed from the run's directory, which stays as the script leaves it.
One training at a time, and whoever opens the page sees it. A server that ends takes it along, and
the run can be resumed. A server that is killed can't: the training goes on, and the next server
finds it by the lock that its process holds (not on Windows, which has no such locks).
"""

import asyncio
import atexit
import datetime
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mnist_core import paths
from mnist_core.drawing.framing import PIXELS
from mnist_core.files import make_directory
from mnist_core.network.model import DIGITS
from mnist_core.training.snapshots import SNAPSHOTS_FILE
from serving import models
from serving.errors import Refusal
from serving.models import json_response, read_json
from serving.origins import is_own_machine

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TRAINING = "training"  # beside the page
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "train.py"
LOG_FILE, METRICS_FILE = "log.txt", "metrics.csv"
LAST_WORDS = re.compile(r"^train\.py: (.+)$", re.MULTILINE)  # of the script, in its log
LIVE_FILE = "live.json"  # its process and options; that process holds a lock on it
RECIPES = ("tutorial", "quick", "best")
LOSSES = ("nll", "cross-entropy", "softmax-cross-entropy", "log-of-softmax")
# The largest recipe has 1.9 million weights; its snapshots are 40 MB that a browser keeps.
MAX_LAYERS, MAX_WIDTH, MAX_WEIGHTS, MAX_RATE = 4, 2048, 2_000_000, 10
NICENESS = 5  # drawing comes first
STOP_SECONDS = 10  # then it is killed, which costs no more than the epoch under way
# Python turns SIGINT into KeyboardInterrupt; on Windows it can't be sent.
STOP_SIGNAL = signal.SIGTERM if sys.platform == "win32" else signal.SIGINT
KILL_SIGNAL = getattr(signal, "SIGKILL", signal.SIGTERM)


# What each option may be; scripts/train.py checks them too, but seconds later.
EXPECTED = {
    "recipe": f"one of {', '.join(RECIPES)}",
    "hidden": f"a list of at most {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH}",
    "learning_rate": f"a number above 0 and up to {MAX_RATE}",
    "loss": f"one of {', '.join(LOSSES)}",
}


class Options(BaseModel, strict=True, extra="forbid"):
    """What to train with. The recipe decides what is left out."""

    recipe: Literal[RECIPES]
    hidden: list[Annotated[int, Field(ge=1, le=MAX_WIDTH)]] | None = Field(
        None, max_length=MAX_LAYERS
    )
    learning_rate: float | None = Field(None, gt=0, le=MAX_RATE)
    loss: Literal[LOSSES] | None = None


class State(BaseModel):
    """The training under way or the last one; `epochs` is null until it has begun."""

    state: Literal["none", "running", "stopping", "finished", "stopped", "failed"]
    run: str | None
    directory: str | None
    epochs_done: int
    epochs: int | None
    bytes: int = Field(description="of the snapshots so far")
    reason: str | None = Field(description="why it stopped or failed")
    options: Options | None


class LiveTraining:
    """The training under way, or the last one; used from the server's event loop alone.

    `command` are the arguments of Python that train, given the options of scripts/train.py.
    """

    def __init__(self, command: Sequence[str | Path], runs: Path) -> None:
        self.command, self.runs = command, runs
        self.process = self.pid = self.directory = self.options = None
        self.stopping = False
        self._find()

    def is_running(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return self.directory is not None and _is_locked(self.directory / LIVE_FILE)

    def start(self, content: Any) -> None:
        """Train as `content` asks. Raises Refusal while one trains, and for wrong values."""
        options = checked(content)
        if not self.is_running():
            self._find()
        if self.is_running():
            reason = "a training is under way: wait for its end or stop it"
            raise Refusal(409, reason, code="training_under_way")
        name = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{options['recipe']}"
        make_directory(directory := self.runs / name)
        command = [sys.executable, *self.command, "--output", directory]
        for option, value in options.items():
            values = value if isinstance(value, list) else [value]
            command += [f"--{option.replace('_', '-')}", *map(str, values)]
        self.process = _train(command, directory, options)
        self.pid, self.directory, self.options = self.process.pid, directory, options
        self.stopping = False

    def stop(self) -> None:
        """Have it end, its run resumable. Raises Refusal where none trains."""
        if not self.is_running():
            raise Refusal(409, "no training is under way", code="no_training")
        if not self.stopping:
            self.stopping = True
            self._send(STOP_SIGNAL)
            asyncio.get_running_loop().call_later(STOP_SECONDS, self._send, KILL_SIGNAL)

    def close(self) -> None:
        """End at once what this server started; files are replaced whole, so it can be resumed."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _send(self, number: int) -> None:
        if self.process:
            self.process.send_signal(number)  # nothing, where it has ended
        elif self.is_running():
            os.kill(self.pid, number)  # it holds the lock, so the number is still its own

    def _find(self) -> None:
        """Take up a training that another server has started, where one runs."""
        for file in self.runs.glob(f"*/{LIVE_FILE}"):
            if _is_locked(file) and (text := file.read_text(encoding="utf-8")):
                self.process, self.stopping, self.directory = None, False, file.parent
                self.pid, self.options = json.loads(text).values()

    def state(self) -> dict[str, Any]:
        """What GET /training answers; "epochs" are None until the training has begun."""
        is_running = self.is_running()  # comes first: what has ended writes no more
        log, metrics = self._text(LOG_FILE), self._text(METRICS_FILE)
        epochs = re.search(r"^epochs +(\d+)$", log, re.MULTILINE)  # of the settings it prints
        epochs_done = max(0, metrics.count("\n") - 1)
        is_complete = epochs is not None and epochs_done == int(epochs[1])
        state = self._name(is_running, is_complete and LAST_WORDS.search(log) is None)
        snapshots = self.file(SNAPSHOTS_FILE)
        return {
            "state": state,
            "run": self.directory and self.directory.name,
            "directory": self.directory and str(self.directory),
            "epochs_done": epochs_done,
            "epochs": epochs and int(epochs[1]),
            "bytes": snapshots.stat().st_size if snapshots else 0,
            "reason": self._reason(log) if state in ("failed", "stopped") else None,
            "options": self.options,
        }

    def file(self, name: str) -> Path | None:
        """A file of the run; None before it is there."""
        path = self.directory and self.directory / name
        return path if path and path.exists() else None

    def _text(self, name: str) -> str:
        path = self.file(name)
        return path.read_text(encoding="utf-8", errors="replace") if path else ""

    def _name(self, is_running: bool, is_complete: bool) -> str:
        if self.directory is None:
            return "none"
        if is_running:
            return "stopping" if self.stopping else "running"
        if self.process is not None:
            is_complete = self.process.returncode == 0
        return "finished" if is_complete else "stopped" if self.stopping else "failed"

    def _reason(self, log: str) -> str | None:
        if said := LAST_WORDS.search(log):
            return said[1]
        if self.stopping:
            return None
        code = f"with exit code {self.process.returncode}" if self.process else "early"
        return f"It ended {code}; {self.directory / LOG_FILE} says why."


def _train(command: Sequence[object], directory: Path, options: dict) -> subprocess.Popen:
    """The process that `command` starts in the background of others, a lock on LIVE_FILE its own.

    The lock belongs to the open file, which the process inherits: it ends with the process, however
    that ends, and whoever started it may be gone.
    """
    with open(directory / LIVE_FILE, "w+", encoding="utf-8") as live:
        inherited = {}
        if fcntl:
            fcntl.flock(live, fcntl.LOCK_EX)
            inherited["pass_fds"] = [live.fileno()]
        with open(directory / LOG_FILE, "wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),  # Windows
                **inherited,
            )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        json.dump({"pid": process.pid, "options": options}, live)
    return process


def _is_locked(file: Path) -> bool:
    """Whether a process that trains holds the lock on `file`."""
    if fcntl is None or not file.exists():
        return False
    with open(file, "rb") as live:
        try:
            fcntl.flock(live, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def open_training(wanted: bool, host: str, reached_from_elsewhere: bool) -> LiveTraining | None:
    """Where people may train; None where it is not `wanted` or not for one's own machine alone.

    None as well where the script is not, as in a container. Ends with this process.
    """
    if not wanted or reached_from_elsewhere or not is_own_machine(host) or not SCRIPT.exists():
        return None
    live = LiveTraining([SCRIPT], Path(os.path.relpath(paths.runs())))
    atexit.register(live.close)
    return live


def training_routes(live: LiveTraining) -> APIRouter:
    """GET and POST /training, POST /training/stop, GET /training/RUN.bin."""
    router = APIRouter(prefix=f"/{TRAINING}", responses=models.REFUSALS)

    @router.get("", response_model=State)
    async def state() -> Response:
        """The training under way or the last one."""
        return json_response(live.state())

    @router.post("", response_model=State, openapi_extra=models.body_of(Options))
    async def start(request: Request) -> Response:
        """Start one; 409 while another is under way."""
        live.start(await read_json(request))
        return json_response(live.state())

    @router.post("/stop", response_model=State)
    async def stop() -> Response:
        """Have it end. Its run can be resumed: `reason` says how."""
        live.stop()
        return json_response(live.state())

    @router.get("/{run}.bin", response_class=FileResponse)
    async def snapshots(request: Request, run: str) -> Response:
        """The snapshots so far: with `Range: bytes=N-` what follows the first N bytes."""
        file = live.file(SNAPSHOTS_FILE)
        if not file or run != live.directory.name:
            reason = "there are no snapshots of such a training here"
            raise Refusal(404, reason, code="not_found")
        if live.is_running() and "range" not in request.headers:
            reason = "the file grows: ask for a part of it, with Range: bytes=0-"
            raise Refusal(400, reason, code="range_required")
        return FileResponse(file, 200, {"cache-control": "no-store"}, "application/octet-stream")

    return router


def checked(content: Any) -> dict[str, Any]:
    """The `Options` that are given in `content`. Raises Refusal if they are not valid."""
    try:
        options = Options.model_validate(content).model_dump(exclude_none=True)
    except ValidationError as error:
        field = next(iter(error.errors()[0]["loc"]), None)
        if field not in EXPECTED:
            raise _invalid(f"expected an object of {', '.join(EXPECTED)}") from None
        raise _invalid(f"the {field} is not {EXPECTED[field]}") from None
    sizes = [PIXELS, *options.get("hidden", []), DIGITS]
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    if weights > MAX_WEIGHTS:
        found = f"the network would have {weights:,} weights; a page shows up to {MAX_WEIGHTS:,}"
        raise _invalid(f"{found}. Choose smaller hidden sizes")
    return options


def _invalid(reason: str) -> Refusal:
    return Refusal(422, reason, code="invalid_training")
