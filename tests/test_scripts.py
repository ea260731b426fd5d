"""scripts/train.py from the command line: what it makes, and how it refuses."""

import pytest

from mnist_core import weights
from tests.conftest import ROOT, run

TRAIN = ROOT / "scripts" / "train.py"


def test_training_writes_a_network_that_loads(tmp_path):
    output = tmp_path / "new" / "weights"
    done = run(
        TRAIN, "--epochs", 1, "--hidden", 16, "--batch-size", 500, "--output", output, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for words in ("epoch  1", "training loss", "validation loss", "validation accuracy", "test"):
        assert words in done.stdout
    _, config = weights.load(output)
    assert config["hidden"] == [16]
    assert config["provenance"]["recipe"]["batch_size"] == 500
    assert config["provenance"]["scores"]["test_accuracy"] > 0.8


def refused(*arguments) -> str:
    """What train.py says when it refuses `arguments`: one line, exit code 2, no traceback."""
    done = run(TRAIN, *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--epochs", 0), "epochs is 0"),
        (("--learning-rate", "nan"), "learning_rate is nan"),
        (("--hidden", 128, -1), "hidden sizes are"),
        (("--recipe", "secret"), "invalid choice"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, arguments, says):
    assert says in refused(*arguments, "--output", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_damaged_data_is_refused(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(b"not MNIST")
    message = refused("--data", tmp_path, "--output", tmp_path / "w")
    assert "git checkout" in message
    assert message.count("\n") == 1


def test_a_place_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused("--output", tmp_path / "file" / "weights")
    assert str(tmp_path / "file") in message
    assert "epoch" not in message
