"""The page on Ray Serve: replicas that answer alike, and one of them killed while people draw."""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.conftest import ROOT, free_port, run, wait_until_served
from tests.drawings import DRAWINGS

SCRIPT = ROOT / "scripts" / "serve_ray.py"
PEOPLE = 4
SAME = ("", "network", "openapi.json", "lesson.md", "healthz")
PASSWORD = {"authorization": f"Basic {base64.b64encode(b'ann:chalk').decode()}"}


class Crowd:
    """PEOPLE who draw until told to stop, each with one request at most, as the page asks."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answered = self.failed = 0
        self.wrong: list[object] = []
        self.over = threading.Event()
        self.people = [threading.Thread(target=self.draw) for _ in range(PEOPLE)]

    def __enter__(self) -> "Crowd":
        for person in self.people:
            person.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for person in self.people:
            person.join()

    def draw(self) -> None:
        while not self.over.is_set():
            for digit, strokes in DRAWINGS.items():
                answer = self.answer(strokes)
                self.answered += 1
                if answer["digit"] != digit:
                    self.wrong.append(answer)
                time.sleep(0.05)

    def answer(self, strokes: list) -> dict:
        """What the server says in the end: asked again after a pause that doubles."""
        delay = 0.5
        while True:
            try:
                return read(self.address, strokes)
            except OSError:
                self.failed += 1
                time.sleep(delay)
                delay = min(2 * delay, 15)


def read(address: str, strokes: list) -> dict:
    request = orjson.dumps({"strokes": strokes})
    asked = urllib.request.Request(address + "recognize", request, PASSWORD)
    with urllib.request.urlopen(asked, timeout=10) as response:
        return orjson.loads(response.read())


def get(address: str, headers: dict[str, str] = PASSWORD) -> tuple[bytes, str]:
    """The body and the page's version."""
    asked = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(asked, timeout=10) as response:
        return response.read(), response.headers["page-version"]


def wait_for(reached: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def seen(ask: Callable[[], object], number: int) -> set:
    """`number` different answers of `ask`, once there are so many."""
    found = set()

    def enough() -> bool:
        with contextlib.suppress(OSError):
            found.add(ask())
        return len(found) >= number

    wait_for(enough)
    return found


def asked_often(ask: Callable[[], object]) -> set:
    """What `ask` answers: of both replicas, or there was one chance in half a million."""
    return {ask() for _ in range(20)}


def started(address: str) -> str:
    """When the replica that answers was started: its name, as it were."""
    metrics, _ = get(address + "metrics")
    return re.search(rb"\nprocess_start_time_seconds (\S+)", metrics)[1].decode()


def new(address: str, before: set[str]) -> bool:
    """Whether the replica that answers, if one does, is none of those before."""
    with contextlib.suppress(OSError):
        return started(address) not in before
    return False


def processes(place: str) -> dict[int, str]:
    """Those that this test has started, known by the directory in their environment."""
    found = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if f"RAY_TMPDIR={place}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_text()
    return found


def open_to_others(place: str) -> list[str]:
    """Addresses, in hexadecimal, at which those processes listen beyond 127.0.0.1."""
    sockets = set()
    for process in processes(place):
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{process}/fd").iterdir():
                sockets.add(os.readlink(file))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    listening = [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]
    assert listening
    return [address for address in listening if "0100007F:" not in address]


@pytest.fixture(scope="module")
def ray() -> None:
    pytest.importorskip("ray.serve", reason="pip install -r requirements-ray.txt")
    if not Path("/proc/net/tcp").exists():
        pytest.skip("looks for Ray's processes in /proc")


@pytest.fixture(scope="module")
def place(ray) -> Iterator[str]:
    """A directory for Ray; not pytest's, which are too long for the names of sockets."""
    place = tempfile.mkdtemp(prefix="ray")
    yield place
    for process in processes(place):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def replicas(place) -> Iterator[str]:
    """The address of a page with two replicas."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "--port", str(port), "--auth", "ann:chalk"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "RAY_TMPDIR": place},
        cwd=place,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_until_served(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        wait_for(lambda: not processes(place))


def test_both_replicas_serve_the_same_page(replicas):
    assert len(seen(lambda: started(replicas), 2)) == 2
    for path in SAME:
        assert len(asked_often(lambda path=path: get(replicas + path))) == 1, path


def test_who_has_signed_in_is_known_to_both_replicas(replicas):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(replicas + "metrics", {})
    form = b"username=ann&password=chalk"
    with urllib.request.urlopen(replicas + "login", form, timeout=10) as response:
        cookie = {"cookie": response.headers["set-cookie"].partition(";")[0]}
    assert asked_often(lambda: get(replicas + "metrics", cookie)[1]) == {get(replicas)[1]}


def test_both_replicas_give_the_same_answer(replicas):
    assert len(seen(lambda: started(replicas), 2)) == 2
    (answer,) = asked_often(lambda: orjson.dumps(read(replicas, DRAWINGS[4])))
    assert orjson.loads(answer)["digit"] == 4


def test_gradios_api_is_not_offered(replicas):
    for path in ("docs", "config", "gradio_api/upload"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(replicas + path)


def test_nothing_listens_for_other_machines(replicas, place):
    assert open_to_others(place) == []


def test_no_drawing_is_lost_when_a_replica_dies(replicas, place):
    before = seen(lambda: started(replicas), 2)
    with Crowd(replicas) as crowd:
        wait_for(lambda: crowd.answered > 10 * PEOPLE)
        assert crowd.failed == 0
        victim = next(pid for pid, name in processes(place).items() if "ServeReplica" in name)
        os.kill(victim, signal.SIGKILL)
        killed, answered = time.monotonic(), crowd.answered
        wait_for(lambda: new(replicas, before))
        recovered = time.monotonic() - killed
        meanwhile = crowd.answered - answered
    print(f"{crowd.failed} failed, {meanwhile} answered in the {recovered:.1f} s with one replica")
    assert crowd.wrong == []
    assert crowd.failed <= PEOPLE  # those that the dead one had
    assert meanwhile > PEOPLE
    assert len(asked_often(lambda: started(replicas))) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--weights", "/no/such/place"), "Train a network"),
        (("--port", "99999"), "--port"),
        (("--replicas", "0"), "expected 1 replica or more"),
        (("--min-replicas", "3", "--max-replicas", "2"), "--max-replicas not below"),
    ],
)
def test_what_cannot_be_served_is_one_line(ray, arguments, says):
    done = run(SCRIPT, "--port", free_port(), *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_ray_is_one_line(tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError")
    done = run(SCRIPT, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "pip install -r requirements-ray.txt" in done.stderr
    assert done.stderr.count("\n") == 1
