"""The page on Ray Serve: it starts, signs in, answers, and ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

import httpx
import pytest

from mnist_core.errors import UserError
from scripts.serve_ray import scale
from tests.conftest import ROOT, free_port
from tests.drawings import DRAWINGS


def test_two_replicas_serve_the_page_and_know_who_has_signed_in():
    pytest.importorskip("ray.serve", reason="pip install -r requirements-ray.txt")
    place = tempfile.mkdtemp(prefix="ray")  # pytest's are too long for the names of sockets
    port = free_port()
    with subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "serve_ray.py", "--port", str(port), "--auth", "a:b"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RAY_TMPDIR": place},
    ) as process:
        serves_and_ends(process, f"http://127.0.0.1:{port}/")
    shutil.rmtree(place, ignore_errors=True)


def serves_and_ends(process: subprocess.Popen, address: str) -> None:
    try:
        assert process.stdout.readline().startswith("Starting: Ray")
        assert any(line.startswith("Draw at") for line in process.stdout)  # or it has ended
        with httpx.Client(base_url=address, timeout=30) as client:
            assert client.post("recognize", json={"strokes": DRAWINGS[4]}).status_code == 401
            assert client.post("login", data={"username": "a", "password": "b"}).status_code == 200
            for _ in range(20):  # of both replicas, or there was one chance in a million
                answer = client.post("recognize", json={"strokes": DRAWINGS[4]})
                assert answer.json()["digit"] == 4
            assert client.get("gradio_api/upload").status_code == 404
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_the_number_of_replicas_is_checked():
    assert scale(2, None) == {"num_replicas": 2}
    assert scale(1, 4)["autoscaling_config"]["max_replicas"] == 4
    for replicas, most in ((0, None), (3, 2)):
        with pytest.raises(UserError, match="expected 1 replica or more"):
            scale(replicas, most)
