"""The joined script does the same as the modules by themselves."""

from ui.document import document
from ui.joiner import join


def run(node, sources: dict[str, str], expression: str):
    """Return the value of `expression`, in which `modules` holds what the modules export."""
    script = f"(source) => new Function(source + '; return ' + {expression!r})()"
    return node("", script, [join(sources)])[0]


def test_modules_keep_to_themselves_what_they_do_not_export(node):
    sources = {
        "a.js": 'import { get as other } from "./b.js";\nconst secret = 1;\n'
        "export const both = () => [secret, other()];",
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
