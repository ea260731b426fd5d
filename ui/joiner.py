"""Joins ES modules into one script, so that a page needs no request for them.

It supports what the modules here use: named imports and exports, constants exported where they are
declared, no default export but that of a JSON file, no import cycle. It drops comments and
indentation, so no template literal may span lines.
"""

import posixpath
import re
from collections.abc import Mapping
from graphlib import TopologicalSorter

IMPORT = re.compile(r'^import (\{[^}]*\}|\w+) from "(\.[^"]*)"(?: with \{[^}]*\})?;$', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.M)
COMMENT = re.compile(r"^\s*(?://.*|/\*\*[\s\S]*?\*/)\n", re.M)
TRAILING_COMMENT = re.compile(r"(?<=[;,{(\[}]) +// .*$", re.M)  # at the end of a line
INDENTATION = re.compile(r"^ +", re.M)


def join(modules: Mapping[str, str], entry: str | None = None) -> str:
    """Return one script that declares `modules`, an object with what each module exports.

    `modules` are sources by path. With `entry` only that module and what it imports are joined.
    Raises CycleError where modules import each other in a circle.
    """
    needs = {
        name: [_path(name, place) for _, place in IMPORT.findall(source)]
        for name, source in modules.items()
    }
    if entry:
        needs = _needed(entry, needs)
    order = TopologicalSorter(needs).static_order()
    return "\n".join(["const modules = {};", *(_wrapped(name, modules[name]) for name in order)])


def _needed(entry: str, needs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the part of `needs` that `entry` depends on, itself included."""
    found, waiting = {}, [entry]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = needs[name]
            waiting += needs[name]
    return found


def _path(name: str, place: str) -> str:
    """Return the path of the module that `name` imports from `place`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), place))


def _wrapped(name: str, source: str) -> str:
    """Wrap a module's source in a function that returns what the module exports."""
    if name.endswith(".json"):
        return f'modules["{name}"] = {source};'
    exports = ", ".join(EXPORT.findall(source))
    source = TRAILING_COMMENT.sub("", COMMENT.sub("", source))
    source = IMPORT.sub(
        lambda m: f'const {m[1].replace(" as ", ": ")} = modules["{_path(name, m[2])}"];', source
    )
    source = INDENTATION.sub("", EXPORT.sub("", source))
    return f'modules["{name}"] = (() => {{\n{source}\nreturn {{ {exports} }};\n}})();'
