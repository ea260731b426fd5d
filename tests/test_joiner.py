"""The joiner of modules: what it gives does the same as the modules by themselves."""

from graphlib import CycleError

import pytest

from ui.document import document
from ui.joiner import join


def run(node, sources: dict[str, str], expression: str):
    """What `expression` gives, in which `modules` are the joined ones."""
    script = f"(source) => new Function(source + '; return ' + {expression!r})()"
    return node("", script, [join(sources)])[0]


def test_a_module_gets_what_it_imports_wherever_it_lies(node):
    sources = {
        "a.js": 'import { twice } from "./b/c.js";\nexport const value = twice(21);\n',
        "b/c.js": 'import { by } from "../d.js";\nexport function twice(n) {\n  return by(n);\n}',
        "b/e.js": 'import { twice } from "./c.js";\nexport const four = twice(2);',
        "d.js": "export const by = (n) => 2 * n;",
    }
    assert run(node, sources, 'modules["a.js"].value') == 42
    assert run(node, sources, 'modules["b/e.js"].four') == 4


def test_modules_keep_to_themselves_what_they_do_not_export(node):
    sources = {
        "a.js": 'import { get } from "./b.js";\nconst secret = 1;\n'
        "export const both = () => [secret, get()];",
        "b.js": "const secret = 2;\nexport const get = () => secret;",
    }  # fmt: skip
    assert run(node, sources, 'modules["a.js"].both()') == [1, 2]
    assert run(node, sources, 'Object.keys(modules["b.js"])') == ["get"]


def test_all_forms_of_exports_and_long_imports_are_known(node):
    sources = {
        "a.js": 'import {\n  One,\n  two,\n} from "./b.js";\n'
        "export const sum = new One().n + two();",
        "b.js": "export class One {\n  n = 1;\n}\nexport function two() {\n  return 2;\n}\n"
        "export async function three() {\n  return 3;\n}",
    }  # fmt: skip
    assert run(node, sources, 'modules["a.js"].sum') == 3
    assert run(node, sources, 'Object.keys(modules["b.js"])') == ["One", "two", "three"]


def test_a_module_runs_once(node):
    sources = {
        "a.js": 'import { list } from "./c.js";\nlist.push(1);',
        "b.js": 'import { list } from "./c.js";\nlist.push(2);',
        "c.js": "export const list = [];",
    }
    assert run(node, sources, 'modules["c.js"].list.sort()') == [1, 2]


def test_what_imports_itself_is_refused():
    with pytest.raises(CycleError):
        join({"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'})


def test_a_json_file_is_a_module_too(node):
    sources = {
        "a/b.js": 'import table from "../../c.json" with { type: "json" };\n'
        "export const two = table.two;",
        "../c.json": '{"two": 2}',
    }
    assert run(node, sources, 'modules["a/b.js"].two') == 2


def test_comments_that_fill_their_lines_are_left_out(node):
    sources = {
        "a.js": "// one\n/**\n * two\n */\nexport function f() {\n  // three\n"
        '  return "http://a/b"; // four\n}\n',
    }
    assert run(node, sources, 'modules["a.js"].f()') == "http://a/b"
    assert not any(word in join(sources) for word in ("one", "two", "three", "four"))


def test_the_script_can_stand_in_a_page():
    """Either would end or change the script element that it is written into."""
    html = document({}).html
    script = html[html.index('<script type="module">') + 10 :]
    assert script.lower().count("</script") == 1
    assert "<!--" not in script
