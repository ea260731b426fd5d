"""A busy address is refused before anything is started for it."""

import socket

import pytest

from mnist_core.errors import UserError
from serving.server import check_address
from tests.conftest import free_port


def test_a_free_address_will_do_and_a_busy_one_is_refused():
    port = free_port()
    check_address("127.0.0.1", port)
    check_address("localhost", port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as Ray shares its own
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is busy"):
            check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)  # it stays free
