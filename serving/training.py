"""/training: train a network while the page shows how it learns, on the user's own machine.

scripts/train.py runs in another process, so that predictions stay fast, and its snapshots are
streamed from the run's directory. One training runs at a time; every open page shows it. It ends
with the server; the run can be resumed.
"""

import asyncio
import datetime
import itertools
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
from mnist_core.network import DIGITS
from mnist_core.training.recipes import LOSSES, RECIPES
from mnist_core.training.snapshots import SNAPSHOTS_FILE
from serving import models
from serving.errors import Refusal, not_found
from serving.models import json_response, read_json
from serving.origins import is_own_machine

TRAINING = "training"  # the address, relative to the page
PAGE_SETTINGS = {
    "address": TRAINING,
    "recipes": list(RECIPES),
    "losses": {name: loss.formula for name, loss in LOSSES.items()},
}
SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "train.py"
LOG_FILE, METRICS_FILE = "log.txt", "metrics.csv"
ERROR_LINE = re.compile(r"^train\.py: (.+)$", re.MULTILINE)  # of the script, in its log
# Recipe best has 1.9 million weights, and its snapshots take 40 MB of a browser's memory.
MAX_LAYERS, MAX_WIDTH, MAX_WEIGHTS, MAX_RATE = 4, 2048, 2_000_000, 10
NICENESS = 5  # below the server, which answers first
STOP_SECONDS = 10  # until it is killed, which loses only the current epoch
# Python turns SIGINT into KeyboardInterrupt; Windows can't send it.
STOP_SIGNAL = signal.SIGTERM if sys.platform == "win32" else signal.SIGINT
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]


class Options(BaseModel, strict=True, extra="forbid"):
    """What to train with; options left out are the recipe's."""

    recipe: Literal[tuple(RECIPES)]
    hidden: list[Width] | None = Field(None, max_length=MAX_LAYERS)
    learning_rate: float | None = Field(None, gt=0, le=MAX_RATE)
    loss: Literal[tuple(LOSSES)] | None = None


class State(BaseModel):
    """The current or latest training; `epochs` is null until it has begun."""

    state: Literal["none", "running", "stopping", "finished", "stopped", "failed"]
    run: str | None
    directory: str | None
    epochs_done: int
    epochs: int | None
    bytes: int = Field(description="of the snapshots so far")
    reason: str | None = Field(description="why it stopped or failed")
    options: Options | None


class LiveTraining:
    """The current or latest training; to be used from the event loop only.

    `command` are Python's arguments to run scripts/train.py. Each training makes a directory in
    `runs`.
    """

    def __init__(self, command: Sequence[str | Path], runs: Path) -> None:
        self.command, self.runs = command, runs
        self.process = self.directory = self.options = None
        self.stopping = False

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, content: Any) -> None:
        """Start a training. Raises Refusal for invalid options or if another is running."""
        options = check_options(content)
        if self.is_running():
            reason = "a training is running: wait until it ends, or stop it"
            raise Refusal("training_under_way", reason)
        name = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{options['recipe']}"
        make_directory(directory := self.runs / name)
        command = [sys.executable, *self.command, "--output", directory]
        for option, value in options.items():
            values = value if isinstance(value, list) else [value]
            command += [f"--{option.replace('_', '-')}", *map(str, values)]
        self.process = _start_process(command, directory / LOG_FILE)
        self.directory, self.options, self.stopping = directory, options, False

    def stop(self) -> None:
        """Ask the training to stop; its run can be resumed. Raises Refusal if none is running."""
        if not self.is_running():
            raise Refusal("no_training", "no training is running")
        if not self.stopping:
            self.stopping = True
            process = self.process
            process.send_signal(STOP_SIGNAL)
            asyncio.get_running_loop().call_later(STOP_SECONDS, process.kill)

    def close(self) -> None:
        """Kill the training. Its run can be resumed, as files are replaced whole."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def state(self) -> dict[str, Any]:
        """The fields of State."""
        is_running = self.is_running()  # first: if it ended, the files are final
        log, metrics = self._text(LOG_FILE), self._text(METRICS_FILE)
        epochs = re.search(r"^epochs +(\d+)$", log, re.MULTILINE)  # of the settings it prints
        name = self._name(is_running)
        snapshots = self.file(SNAPSHOTS_FILE)
        return {
            "state": name,
            "run": self.directory and self.directory.name,
            "directory": self.directory and str(self.directory),
            "epochs_done": max(0, metrics.count("\n") - 1),
            "epochs": epochs and int(epochs[1]),
            "bytes": snapshots.stat().st_size if snapshots else 0,
            "reason": self._reason(log) if name in ("failed", "stopped") else None,
            "options": self.options,
        }

    def file(self, name: str) -> Path | None:
        """Return a file of the run; None until it exists."""
        path = self.directory and self.directory / name
        return path if path and path.exists() else None

    def _text(self, name: str) -> str:
        path = self.file(name)
        return path.read_text(encoding="utf-8", errors="replace") if path else ""

    def _name(self, is_running: bool) -> str:
        if self.process is None:
            return "none"
        if is_running:
            return "stopping" if self.stopping else "running"
        if self.process.returncode == 0:
            return "finished"
        return "stopped" if self.stopping else "failed"

    def _reason(self, log: str) -> str | None:
        if error := ERROR_LINE.search(log):
            return error[1]
        code = self.process.returncode
        log_path = self.directory / LOG_FILE
        return None if self.stopping else f"It ended with exit code {code}; see {log_path}."


def _start_process(command: Sequence[object], log: Path) -> subprocess.Popen:
    """Run `command` in the background at a low priority, with its output in `log`."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),  # Windows
        )
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    return process


def open_training(wanted: bool, host: str, reached_from_elsewhere: bool) -> LiveTraining | None:
    """Offer training if only this machine can reach the server, else return None.

    Also None if training is not `wanted` or the script is missing, as in a container.
    """
    if not wanted or reached_from_elsewhere or not is_own_machine(host) or not SCRIPT.exists():
        return None
    return LiveTraining([SCRIPT], Path(os.path.relpath(paths.runs())))


def training_routes(live: LiveTraining) -> APIRouter:
    """GET and POST /training, POST /training/stop, GET /training/RUN.bin."""
    router = APIRouter(prefix=f"/{TRAINING}", responses=models.REFUSALS)

    @router.get("", response_model=State)
    async def state() -> Response:
        """The current or latest training."""
        return json_response(live.state())

    @router.post("", response_model=State, openapi_extra=models.body_of(Options))
    async def start(request: Request) -> Response:
        """Start a training; 409 if another is running."""
        live.start(await read_json(request))
        return json_response(live.state())

    @router.post("/stop", response_model=State)
    async def stop() -> Response:
        """Stop the training. `reason` says how to resume its run."""
        live.stop()
        return json_response(live.state())

    @router.get("/{run}.bin", response_class=FileResponse)
    async def snapshots(request: Request, run: str) -> Response:
        """The snapshots so far, with `Range: bytes=N-` from byte N on."""
        file = live.file(SNAPSHOTS_FILE)
        if not file or run != live.directory.name:
            raise not_found("there are no snapshots of such a training here")
        if live.is_running() and "range" not in request.headers:
            reason = "the file is still growing: ask for a part of it, with Range: bytes=0-"
            raise Refusal("range_required", reason)
        return FileResponse(file, 200, {"cache-control": "no-store"}, "application/octet-stream")

    return router


EXPECTED = {
    "recipe": f"one of {', '.join(RECIPES)}",
    "hidden": f"a list of at most {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH}",
    "learning_rate": f"a number above 0 and up to {MAX_RATE}",
    "loss": f"one of {', '.join(LOSSES)}",
}


def check_options(content: Any) -> dict[str, Any]:
    """Return the `Options` given in `content`. Raises Refusal if they are invalid."""
    try:
        options = Options.model_validate(content).model_dump(exclude_none=True)
    except ValidationError as error:
        field = next(iter(error.errors()[0]["loc"]), None)
        if field not in EXPECTED:
            found = f"expected an object of {', '.join(EXPECTED)}"
            raise Refusal("invalid_training", found) from None
        raise Refusal("invalid_training", f"the {field} is not {EXPECTED[field]}") from None
    sizes = [PIXELS, *options.get("hidden", []), DIGITS]
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    if weights > MAX_WEIGHTS:
        found = f"the network would have {weights:,} weights; expected at most {MAX_WEIGHTS:,}"
        raise Refusal("invalid_training", f"{found}. Choose smaller hidden sizes")
    return options
