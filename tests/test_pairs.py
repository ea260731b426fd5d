"""Bytes as text in a page come back as they were."""

import base64
import random

from ui.pairs import to_pairs


def test_bytes_of_any_length_come_back_and_are_shorter_than_in_base64(node):
    chance = random.Random(1)
    contents = [bytes(n) for n in range(30)] + [b"\xff" * n for n in range(30)]
    contents += [chance.randbytes(n) for n in range(40)] + [chance.randbytes(5000)]
    texts = [to_pairs(content) for content in contents]
    imports = 'import { fromPairs } from "./ui/core/files.js";'
    found = node(imports, "(text) => [...fromPairs(text)]", texts)
    assert [bytes(each) for each in found] == contents
    assert len(texts[-1]) < 0.925 * len(base64.b64encode(contents[-1]))
    assert "<" not in "".join(texts)
    assert "".join(texts).isascii()
    assert "".join(texts).isprintable()
