"""/training: train a network while the page looks on, where page and person share a machine.

scripts/train.py does it in a process of its own, so that the server keeps its memory and its
answers; its snapshots are streamed from the run's directory, which stays as the script leaves it.
One training at a time, and whoever opens the page sees it. A server that ends takes it along, and
the run can be resumed; killed (SIGKILL) it can't, and the training goes on to its own end.
"""

import asyncio
import atexit
import datetime
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from mnist_core import paths
from mnist_core.drawing.framing import PIXELS
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network.model import DIGITS
from mnist_core.training.snapshots import SNAPSHOTS_FILE
from serving.auth import check_signed_in
from serving.errors import Refusal
from serving.origins import is_own_machine
from serving.routes import json_response, read_json

TRAINING = "training"  # beside the page
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "train.py"
LOG_FILE, METRICS_FILE = "log.txt", "metrics.csv"
RECIPES = ("tutorial", "quick", "best")
LOSSES = ("nll", "cross-entropy", "softmax-cross-entropy", "log-of-softmax")
# The largest recipe has 1.9 million weights; its snapshots are 40 MB that a browser keeps.
MAX_LAYERS, MAX_WIDTH, MAX_WEIGHTS, MAX_RATE = 4, 2048, 2_000_000, 10
NICENESS = 5  # drawing comes first
STOP_SECONDS = 10  # then it is killed, which costs no more than the epoch under way


class LiveTraining:
    """The training under way, or the last one; used from the server's event loop alone.

    `command` are the arguments of Python that train, given the options of scripts/train.py.
    """

    def __init__(self, command: Sequence[str | Path], runs: Path) -> None:
        self.command, self.runs = command, runs
        self.process = self.directory = self.options = None
        self.stopping = False

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, content: Any) -> None:
        """Train as `content` asks. Raises Refusal while one trains, UserError for wrong values."""
        if self.is_running():
            raise Refusal(409, "a training is under way: wait for its end or stop it")
        options = checked(content)
        name = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{options['recipe']}"
        make_directory(directory := self.runs / name)
        command = [sys.executable, *self.command, "--output", directory]
        for option, value in options.items():
            values = value if isinstance(value, list) else [value]
            command += [f"--{option.replace('_', '-')}", *map(str, values)]
        with open(directory / LOG_FILE, "wb") as log:
            files = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.process = subprocess.Popen(command, **files)
        os.setpriority(os.PRIO_PROCESS, self.process.pid, NICENESS)
        self.directory, self.options, self.stopping = directory, options, False

    def stop(self) -> None:
        """Have it end, its run resumable. Raises Refusal where none trains."""
        if not self.is_running():
            raise Refusal(409, "no training is under way")
        if not self.stopping:
            self.stopping = True
            self.process.send_signal(signal.SIGINT)
            asyncio.get_running_loop().call_later(STOP_SECONDS, self.process.kill)

    def close(self) -> None:
        """End it at once; the run can be resumed, as each of its files is replaced as a whole."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def state(self) -> dict[str, Any]:
        """What GET /training answers; "epochs" are None until the training has begun."""
        state = self._name()  # comes first: what has ended writes no more
        log, metrics = self._text(LOG_FILE), self._text(METRICS_FILE)
        epochs = re.search(r"^epochs +(\d+)$", log, re.MULTILINE)  # of the settings it prints
        snapshots = self.file(SNAPSHOTS_FILE)
        return {
            "state": state,
            "run": self.directory and self.directory.name,
            "directory": self.directory and str(self.directory),
            "epochs_done": max(0, metrics.count("\n") - 1),
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

    def _name(self) -> str:
        if self.process is None:
            return "none"
        if self.is_running():
            return "stopping" if self.stopping else "running"
        code = self.process.returncode
        return "finished" if code == 0 else "stopped" if self.stopping else "failed"

    def _reason(self, log: str) -> str | None:
        """The script's last words, which begin with its name."""
        if said := re.search(rf"^{SCRIPT.name}: (.+)$", log, re.MULTILINE):
            return said[1]
        where = f"exit code {self.process.returncode}; {self.directory / LOG_FILE} says why"
        return None if self.stopping else f"It ended with {where}."


def open_training(wanted: bool, host: str, reached_from_elsewhere: bool) -> LiveTraining | None:
    """Where people may train; None where it is not `wanted` or not for one's own machine alone.

    None as well where the script is not, as in a container. Ends with this process.
    """
    if not wanted or reached_from_elsewhere or not is_own_machine(host) or not SCRIPT.exists():
        return None
    live = LiveTraining([SCRIPT], Path(os.path.relpath(paths.runs())))
    atexit.register(live.close)
    return live


def training_routes(live: LiveTraining) -> list[Route]:
    """GET and POST /training, POST /training/stop, GET /training/RUN.bin; see docs/serving.md."""

    async def state(request: Request) -> Response:
        check_signed_in(request)
        if request.method == "POST":
            live.start(await read_json(request))
        return json_response(live.state())

    async def stop(request: Request) -> Response:
        check_signed_in(request)
        live.stop()
        return json_response(live.state())

    async def snapshots(request: Request) -> Response:
        """The snapshots so far: with `Range: bytes=N-` what follows the first N bytes."""
        check_signed_in(request)
        file = live.file(SNAPSHOTS_FILE)
        if not file or request.path_params["run"] != live.directory.name:
            raise Refusal(404, "there are no snapshots of such a training here")
        if live.is_running() and "range" not in request.headers:
            raise Refusal(400, "the file grows: ask for a part of it, with Range: bytes=0-")
        return FileResponse(file, 200, {"cache-control": "no-store"}, "application/octet-stream")

    return [
        Route(f"/{TRAINING}", state, methods=["GET", "POST"]),
        Route(f"/{TRAINING}/stop", stop, methods=["POST"]),
        Route(f"/{TRAINING}/{{run}}.bin", snapshots),
    ]


def checked(content: Any) -> dict[str, Any]:
    """`content`, where it is options to train with. Raises UserError where it is none."""
    known = {"recipe", "hidden", "learning_rate", "loss"}
    if not isinstance(content, dict) or not {"recipe"} <= content.keys() <= known:
        raise UserError('expected {"recipe": ...} and perhaps "hidden", "learning_rate", "loss"')
    for name, names in (("recipe", RECIPES), ("loss", LOSSES)):
        if content.get(name, names[0]) not in names:
            raise UserError(f"the {name} is none of {', '.join(names)}")
    rate, hidden = content.get("learning_rate", MAX_RATE), content.get("hidden", [])
    if type(rate) not in (int, float) or not 0 < rate <= MAX_RATE:
        raise UserError(f"the learning rate is not a number above 0 and up to {MAX_RATE}")
    sizes = hidden if isinstance(hidden, list) else [None]
    if len(sizes) > MAX_LAYERS or not all(type(n) is int and 1 <= n <= MAX_WIDTH for n in sizes):
        expected = f"a list of at most {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH}"
        raise UserError(f"the hidden sizes are not {expected}")
    weights = sum(a * b for a, b in itertools.pairwise([PIXELS, *sizes, DIGITS]))
    if weights > MAX_WEIGHTS:
        found = f"the network would have {weights:,} weights; a page shows up to {MAX_WEIGHTS:,}"
        raise UserError(f"{found}. Choose smaller hidden sizes")
    return content
