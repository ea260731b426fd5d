"""Small ways to break a module: another number, operator or comparison, made by cosmic-ray."""

import ast
import random
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from experiments.common import ROOT


class Mutant(NamedTuple):
    """The first four tell it from others."""

    module: str
    line: int
    operator: str
    occurrence: int
    source: str


def choose(modules: list[str], count: int, seed: int) -> list[Mutant]:
    """`count` mutants, each on another line."""
    chance = random.Random(seed)
    sources = {module: path_of(module).read_text() for module in modules}
    lines = [(module, places) for module in modules for places in by_line(sources[module])]
    chosen: list[Mutant] = []
    for module, places in chance.sample(lines, len(lines)):
        mutant = mutant_of(module, sources[module], chance.sample(places, len(places)))
        chosen += [mutant] if mutant else []
        if len(chosen) == count:
            break
    return chosen


def path_of(module: str) -> Path:
    return ROOT / "mnist_core" / f"{module}.py"


def by_line(source: str) -> list[list[tuple]]:
    """For each line its mutants, as line, operator and which occurrence."""
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes, lines = [*ast_nodes(get_ast(source))], defaultdict(list)
    for name in sorted(plugins.operator_names()):
        if "Variable" not in name:  # those would have to be told names
            operator = plugins.get_operator(name)()
            places = (place for node in nodes for place in operator.mutation_positions(node))
            for occurrence, ((line, _), *_) in enumerate(places):
                lines[line].append((line, name, occurrence))
    return [lines[line] for line in sorted(lines)]


def mutant_of(module: str, source: str, places: list[tuple]) -> Mutant | None:
    """The first that is Python and differs in more than annotations."""
    from cosmic_ray import plugins
    from cosmic_ray.mutating import mutate_code

    for line, name, occurrence in places:
        mutated = mutate_code(source, plugins.get_operator(name)(), occurrence)
        try:
            if meaning(mutated) != meaning(source):
                return Mutant(module, line, name, occurrence, mutated)
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
