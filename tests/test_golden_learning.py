"""What learning rests on gives for fixed inputs what it gave when the golden files were made.

After a change that is meant: python -m tests.golden_learning.make
"""

import numpy as np
import pytest

from tests.golden_learning.make import FOLDER, OUTPUTS

# Processors differ in a float's last bits, which can move a grey value by one. Augmented images are
# floats from 0 to 255, everything else floats around 1.
TOLERANCE = {"augmentation": 0.02}
REMEDY = "If the change is meant, run python -m tests.golden_learning.make and look at what differs"


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_are_those_of_the_golden_file(name):
    made = OUTPUTS[name]()
    with np.load(FOLDER / f"{name}.npz") as golden:
        assert made.keys() == set(golden.files)
        for key in golden.files:
            compare(made[key], golden[key], TOLERANCE.get(name, 1e-4), f"{name}, {key}. {REMEDY}")


def compare(made: np.ndarray, golden: np.ndarray, tolerance: float, hint: str) -> None:
    assert made.shape == golden.shape, hint
    if golden.dtype == np.uint8:
        assert np.abs(made.astype(int) - golden).max() <= 1, hint
    elif golden.dtype.kind == "f":
        np.testing.assert_allclose(made, golden, rtol=0, atol=tolerance, err_msg=hint)
    else:
        assert np.array_equal(made, golden), hint
