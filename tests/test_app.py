"""The app as a process: its command line and its HTTP API."""

import re
import socket
import textwrap

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app import read_paper
from mnist_core import Recognizer
from tests.conftest import ROOT, free_port, run
from tests.drawings import DRAWINGS

APP = ROOT / "app.py"


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def test_the_api_reads_drawings(client):
    for digit in (2, 7):
        answer = client.predict(DRAWINGS[digit], api_name="/predict")
        assert list(answer) == list("0123456789")
        assert sum(answer.values()) == pytest.approx(1, abs=1e-4)
        assert max(answer, key=answer.get) == str(digit)


def test_the_api_reads_pictures(client, mnist, tmp_path):
    image, label = mnist[0][0].numpy(), mnist[1][0].item()
    Image.fromarray(255 - image).resize((280, 280)).save(tmp_path / "digit.png")
    answer = client.predict(handle_file(tmp_path / "digit.png"), api_name="/predict_image")
    assert max(answer, key=answer.get) == str(label)


def test_the_api_says_what_is_wrong(client, tmp_path):
    with pytest.raises(AppError, match="Stroke 1 holds something else"):
        client.predict([[[1]]], api_name="/predict")
    (tmp_path / "letter.txt").write_text("Dear sir")
    with pytest.raises(AppError, match="send a PNG, JPEG or WebP file"):
        client.predict(handle_file(tmp_path / "letter.txt"), api_name="/predict_image")


def test_both_endpoints_are_listed(client):
    listed = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(listed) == {"/predict", "/predict_image"}


def test_help_explains_every_option():
    done = run(APP, "--help")
    assert done.returncode == 0
    for option in ("--host", "--port", "--share", "--weights"):
        assert option in done.stdout


def test_a_busy_port_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(APP, "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--weights", "/no/such/place"), "scripts/train.py"),
        (("--port", "99999"), "expected 1 to 65535"),
        (("--port", "http"), "invalid"),
    ],
)
def test_wrong_arguments_are_explained(arguments, says):
    done = run(APP, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_serving_asks_no_other_host():
    # An audit hook sees every connection and look-up of the process that serves the page.
    script = f"""
        import sys, urllib.request
        asked = []
        def listen(event, args):
            if event == "socket.connect" and isinstance(args[1], tuple):
                asked.append(args[1][0])
            if event == "socket.getaddrinfo":
                asked.append(args[0])
        sys.addaudithook(listen)
        sys.argv = ["app.py", "--port", "{free_port()}"]
        import app, gradio
        def visit(page):
            urllib.request.urlopen(page.local_url).read()
        gradio.Blocks.block_thread = visit
        app.main()
        print(sorted(set(asked) - {{"127.0.0.1", "localhost"}}))
    """
    done = run("-c", textwrap.dedent(script), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("paper", "says"),
    [
        (None, 'expected {"strokes"'),
        ([], 'expected {"strokes"'),
        ("7", 'expected {"strokes"'),
        ({}, 'expected {"strokes"'),
        ({"picture": None}, "expected a picture as a data URL"),
        ({"picture": "data:,x" * 200_000}, "at most 1048576 characters"),
        ({"picture": "/etc/passwd"}, "send a PNG"),
        ({"picture": "data:image/png;base64,AAAA"}, "send a PNG"),
        ({"picture": "data:image/png;base64,ÄÖ"}, "not base64"),
        ({"strokes": {}}, "a drawing is a list of strokes"),
        ({"strokes": [[["<img src=x onerror=alert(1)>", 2]]]}, "pairs of numbers"),
    ],
)
def test_papers_that_are_none_are_refused_in_words(recognizer, paper, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        read_paper(recognizer, paper)


@pytest.mark.parametrize("details", [True, False])
def test_explanations_are_given_to_those_who_ask(recognizer, details):
    answer = read_paper(recognizer, {"strokes": DRAWINGS[7], "details": details})
    assert answer["digit"] == 7
    assert len(answer["pixels"]) == 784
    assert ("why" in answer) == ("shrunk" in answer) == details


def test_the_answer_does_not_depend_on_what_was_asked_before(recognizer):
    paper = {"strokes": DRAWINGS[4], "details": True}
    first = read_paper(recognizer, paper)
    read_paper(recognizer, {"strokes": DRAWINGS[7], "details": True})
    assert read_paper(recognizer, paper) == first
    assert read_paper(Recognizer.load(ROOT / "weights"), paper) == first  # another replica


def test_an_empty_paper_has_no_reasons(recognizer):
    answer = read_paper(recognizer, {"strokes": [], "details": True})
    assert answer["verdict"] == "empty"
    assert "why" not in answer
