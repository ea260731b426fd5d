"""Break mnist_core in many small ways and see how often its tests notice.

    pip install cosmic-ray
    python -m experiments.mutation --output runs/mutants.jsonl

cosmic-ray makes the mutants: another number, operator or comparison, a condition turned round, a
loop that is not entered. Each module gets as many as its share of the lines; in a module lines are
drawn, and on each line one of its mutants. The module's tests run in a fork of this process, which
has imported PyTorch already; the first that fails kills the mutant. No file is changed. Prints
the survivors and how many were killed. 400 mutants take half an hour on one idle core. What the
output file already holds is not run again: delete the file to begin anew.
"""

import argparse
import ast
import importlib.metadata
import itertools
import json
import os
import random
import resource
import signal
import sys
from collections import defaultdict
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

from experiments.common import ROOT
from mnist_core.tables import table, wilson_interval

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
SLOW = (
    "runs_from_anywhere quick_recipe one_by_one "
    "reading_all processes_together odd_style acknowledged "
    "served stays_clean no_other_network passwords removed lasts stopped letters_join"
)
WARNING = "ignore::pytest.PytestAssertRewriteWarning"  # plugins are imported before pytest starts
OPTIONS = ["-n0", "-x", "-q", "-p", "no:cacheprovider", "-W", WARNING]
OPTIONS += ["-k", f"not (postgresql and not driver) and not ({' or '.join(SLOW.split())})"]
SECONDS = 120  # of processor time, and ten times as many on the clock: what takes longer is killed
PRELOADED = (
    "torchvision.datasets matplotlib.figure sqlalchemy huggingface_hub safetensors.torch tqdm"
)


def main() -> None:
    parser = argparse.ArgumentParser(description="See how often the tests notice a mutant.")
    add = parser.add_argument
    add("--count", type=int, default=400, help="mutants (%(default)s)")
    add("--seed", type=int, default=0, help="of the choice (%(default)s)")
    add("--modules", nargs="+", choices=TESTS, default=[*TESTS], metavar="NAME")
    add("--output", type=Path, default=ROOT / "runs" / "mutants.jsonl", metavar="FILE")
    args = parser.parse_args()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.touch()
    args.output = args.output.resolve()
    done = [json.loads(line) for line in args.output.read_text().splitlines()]
    done = {identity(outcome): outcome["killed"] for outcome in done}
    mutants = choose(args.modules, args.count, args.seed)
    rest = [mutant for mutant in mutants if identity(mutant) not in done]
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in PRELOADED.split():
        importlib.import_module(name)
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    for tests in {TESTS[mutant["module"]] for mutant in rest}:
        if fails(tests):
            sys.exit(f"one of these fails without any mutant: {tests}")
    with open(args.output, "a") as output:
        for mutant in rest:
            killed = done[identity(mutant)] = fails(TESTS[mutant["module"]], mutant)
            kept = {name: mutant[name] for name in mutant if name != "source"}
            print(json.dumps(kept | {"killed": killed}), file=output, flush=True)
    report(mutants, [done[identity(mutant)] for mutant in mutants])


def identity(mutant: dict) -> tuple:
    return mutant["module"], mutant["operator"], mutant["occurrence"]


def report(mutants: list[dict], killed: list[bool]) -> None:
    rooms: dict[str, list[bool]] = defaultdict(list)
    for mutant, dead in zip(mutants, killed, strict=True):
        rooms[mutant["module"].partition("/")[0]].append(dead)
        if not dead:
            print("{module}.py:{line}  {operator}, occurrence {occurrence}".format(**mutant))
    rows = []
    for room, some in {**rooms, "all": killed}.items():
        low, high = wilson_interval(sum(some), len(some))
        rows.append((room, sum(some), len(some), f"{low:.1%} to {high:.1%}"))
    print(table(("mutants of", "killed", "of", "95 % interval"), rows))


# Which mutants ---------------------------------------------------------------


def choose(modules: list[str], count: int, seed: int) -> list[dict]:
    """`count` mutants, spread over the modules by their lines."""
    sources = {name: path_of(name).read_text() for name in modules}
    lengths = [sum(map(bool, source.split("\n"))) for source in sources.values()]
    ends = [count * end // sum(lengths) for end in itertools.accumulate(lengths)]
    chosen: list[dict] = []
    for (name, source), end in zip(sources.items(), ends, strict=True):
        chance = random.Random(f"{seed} {name}")  # a module's mutants depend on no other's
        found = filter(None, (mutant_of(source, line, chance) for line in by_line(source, chance)))
        some = itertools.islice(found, end - len(chosen))  # what one lacks the next makes up for
        chosen += [{"module": name} | mutant for mutant in some]
    return chosen


def path_of(module: str) -> Path:
    return ROOT / "mnist_core" / f"{module}.py"


def by_line(source: str, chance: random.Random) -> list[list[tuple]]:
    """Lines in random order: for each its mutants, as line, operator and which occurrence."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes, lines = [*ast_nodes(get_ast(source))], defaultdict(list)
    for name in sorted(plugins.operator_names()):
        if "Variable" not in name:  # those would have to be told names
            operator = plugins.get_operator(name)()
            places = (place for node in nodes for place in operator.mutation_positions(node))
            for occurrence, ((line, _), *_) in enumerate(places):
                lines[line].append((line, name, occurrence))
    return chance.sample([lines[line] for line in sorted(lines)], len(lines))


def mutant_of(source: str, places: list[tuple], chance: random.Random) -> dict | None:
    """One of a line's mutants; None where only annotations would differ or none is Python."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    for line, name, occurrence in chance.sample(places, len(places)):
        mutated = mutate_code(source, plugins.get_operator(name)(), occurrence)
        try:
            if meaning(mutated) != meaning(source):
                what = {"line": line, "operator": name.removeprefix("core/")}
                return what | {"occurrence": occurrence, "source": mutated}
        except SyntaxError:
            continue
    return None


def meaning(source: str) -> str:
    """The syntax tree without annotations, which nothing reads."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in {"returns", "annotation"} & {*node._fields}:
            setattr(node, name, None)
    return ast.dump(tree)


# Running the tests -----------------------------------------------------------


def fails(tests: str, mutant: dict | None = None) -> bool:
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
        replace_source(path_of(mutant["module"]), mutant["source"])
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
