"""Break mnist_core in many small ways and see how often its tests notice.

    pip install cosmic-ray
    python -m experiments.mutation --output runs/mutants.jsonl

cosmic-ray makes the mutants: another number, operator or comparison, a condition turned round, a
loop that is not entered. Lines are drawn, and on each line one of its mutants. The module's tests
run in a fork of this process, which has imported PyTorch already; the first that fails kills the
mutant. No file is changed. Prints the survivors and how many were killed. 400 mutants take half an
hour on one idle core. What the output file already holds is not run again: delete it to begin anew.
"""

import argparse
import importlib.metadata
import json
import os
import resource
import signal
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

from experiments.common import ROOT
from experiments.mutants import Mutant, choose, path_of
from mnist_core.tables import wilson_interval

GOLDEN, STEPS, TRAINING = "test_golden_learning", "test_learning_steps", "test_golden_training"
OUTCOME = "test_training_outcome"
TESTS = {  # by module, the quick ones first
    "drawing/framing": f"{GOLDEN} test_framing",
    "drawing/numbers": f"{GOLDEN} test_numbers",
    "drawing/ink": f"{GOLDEN} test_pictures",
    "drawing/pictures": f"{GOLDEN} test_pictures",
    "drawing/strokes": f"test_strokes {GOLDEN}",
    "network/calibration": f"{GOLDEN} test_calibration",
    "network/import_state_dict": "test_weights_script",
    "network/quantize": f"{GOLDEN} test_quantize",
    "network/model": f"{GOLDEN} {STEPS} test_trainer",
    "network/model_card": "test_weights",
    "network/weights": "test_weights test_hub test_weights_script",
    "training/array_files": "test_own_data",
    "training/augment": f"{GOLDEN} test_augment",
    "training/data": f"{STEPS} test_data {TRAINING}",
    "training/finish": f"{OUTCOME} test_weights_script {TRAINING} test_runs",
    "training/negatives": f"{GOLDEN} test_negatives",
    "training/own_data": "test_own_data",
    "training/plots": "test_plots",
    "training/recipes": "test_trainer test_scripts",
    "training/run": f"{OUTCOME} test_runs",
    "training/snapshots": "test_snapshots",
    "training/styles": f"{GOLDEN} test_styles",
    "training/trainer": f"{STEPS} {TRAINING} test_trainer test_snapshots",
    "corrections/database": "test_store",
    "corrections/finetune": f"{STEPS} {TRAINING} test_finetuning",
    "corrections/store": "test_store",
}
# Tests that take seconds, need PostgreSQL or serve a page are left out.
SLOW = "runs_from_anywhere quick_recipe one_by_one reading_all processes_together odd_style "
SLOW += "acknowledged served stays_clean no_other_network passwords removed lasts stopped "
SLOW += "letters_join"
WARNING = "ignore::pytest.PytestAssertRewriteWarning"  # plugins are imported before pytest starts
OPTIONS = ["-n0", "-x", "-q", "-p", "no:cacheprovider", "-W", WARNING]
OPTIONS += ["-k", f"not (postgresql and not driver) and not ({' or '.join(SLOW.split())})"]
SECONDS = 120  # of processor time, and ten times as many on the clock: what takes longer is killed
PRELOADED = "torchvision.datasets matplotlib.figure sqlalchemy huggingface_hub "
PRELOADED += "safetensors.torch tqdm"


def main() -> None:
    parser = argparse.ArgumentParser(description="See how often the tests notice a mutant.")
    add = parser.add_argument
    add("--count", type=int, default=400, help="mutants (%(default)s)")
    add("--seed", type=int, default=0, help="of the choice (%(default)s)")
    add("--modules", nargs="+", choices=TESTS, default=[*TESTS], metavar="NAME")
    add("--output", type=Path, default=ROOT / "runs" / "mutants.jsonl", metavar="FILE")
    args = parser.parse_args()
    mutants = choose(args.modules, args.count, args.seed)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    with open(args.output, "a+") as output:
        output.seek(0)
        killed = {tuple(mutant): dead for *mutant, dead in map(json.loads, output)}
        rest = [mutant for mutant in mutants if mutant[:4] not in killed]
        prepare({TESTS[mutant.module] for mutant in rest})
        for mutant in rest:
            killed[mutant[:4]] = fails(TESTS[mutant.module], mutant)
            print(json.dumps([*mutant[:4], killed[mutant[:4]]]), file=output, flush=True)
    survivors = [mutant for mutant in mutants if not killed[mutant[:4]]]
    for mutant in survivors:
        print(f"{mutant.module}.py:{mutant.line}  {mutant.operator}, {mutant.occurrence}")
    dead = len(mutants) - len(survivors)
    low, high = wilson_interval(dead, len(mutants))
    print(f"{dead} of {len(mutants)} mutants were killed, {low:.1%} to {high:.1%} (95 % interval)")


def prepare(tests: set[str]) -> None:
    """Import what is slow to import, and see that the tests pass without a mutant."""
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in PRELOADED.split():
        importlib.import_module(name)
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    for each in tests:
        if fails(each):
            sys.exit(f"one of these fails without any mutant: {each}")


def fails(tests: str, mutant: Mutant | None = None) -> bool:
    """Whether one of these tests fails, or they take too long, in a fork that imports `mutant`."""
    if child := os.fork():
        return os.waitpid(child, 0)[1] != 0
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    signal.alarm(10 * SECONDS)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    for name in [name for name in sys.modules if name.partition(".")[0] == "mnist_core"]:
        del sys.modules[name]  # of the parent
    if mutant:
        replace_source(path_of(mutant.module), mutant.source)
    files = [str(ROOT / "tests" / f"{name}.py") for name in tests.split()]
    os._exit(pytest.main([*OPTIONS, *files]))


def replace_source(path: Path, source: str) -> None:
    """Let this process import `source` where it imports the file at `path`."""
    get_code = SourceFileLoader.get_code

    def mutated(loader: SourceFileLoader, name: str) -> CodeType:
        same = Path(loader.path) == path
        return compile(source, path, "exec") if same else get_code(loader, name)

    SourceFileLoader.get_code = mutated


if __name__ == "__main__":
    main()
