"""The lesson and the API's description, as the page serves them."""

import httpx
import pytest

from ui.documents import NAMES


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_read_again_and_again(server, name, encoding):
    first, second = (
        httpx.get(server + name, headers={"accept-encoding": encoding}) for _ in range(2)
    )
    assert first.headers.get("content-encoding", "identity") == encoding
    assert first.status_code == second.status_code == 200
    assert first.text == second.text
    assert "<h1>" in first.text
