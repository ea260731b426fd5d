"""The joined script does the same as the modules by themselves."""

from ui.document import document
from ui.joiner import join


def run(node, sources: dict[str, str], expression: str):
    """Return the value of `expression`, in which `modules` holds what the modules export."""
    script = f"(source) => new Function(source + '; return ' + {expression!r})()"
    return node("", script, [join(sources)])[0]


def test_a_module_gets_what_it_imports_wherever_it_lies_and_runs_once(node):
    sources = {
        "a.js": 'import {\n  list,\n  twice,\n} from "./b/c.js";\nlist.push(1);\n'
        "export const value = twice(21);\n",
        "b/c.js": 'import { by } from "../d.js";\nexport const list = [];\n'
        "export function twice(n) {\n  return by(n);\n}",
        "b/e.js": 'import { list, twice as double } from "./c.js";\nlist.push(2);\n'
        "export const four = double(2);",
        "d.js": 'import table from "../t.json" with { type: "json" };\n'
        "export const by = (n) => table.two * n;",
        "../t.json": '{"two": 2}',
    }
    assert run(node, sources, 'modules["a.js"].value') == 42
    assert run(node, sources, 'modules["b/e.js"].four') == 4
    assert run(node, sources, 'modules["b/c.js"].list.sort()') == [1, 2]


def test_modules_keep_to_themselves_what_they_do_not_export(node):
    sources = {
        "a.js": 'import { get } from "./b.js";\nconst secret = 1;\n'
        "export const both = () => [secret, get()];",
        "b.js": "const secret = 2;\nexport const get = () => secret;\n"
        "export class One {\n  n = 1;\n}\nexport async function three() {\n  return 3;\n}",
    }
    assert run(node, sources, 'modules["a.js"].both()') == [1, 2]
    assert run(node, sources, 'Object.keys(modules["b.js"])') == ["get", "One", "three"]


def test_comments_are_left_out_and_code_is_not(node):
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
