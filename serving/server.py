"""How uvicorn listens for the page: where, who may hold a connection, how long, and the end.

Gradio starts uvicorn and passes few settings on, so `prepare` puts the others where uvicorn
looks for them. Ray Serve has a proxy of its own, which knows none of this.
"""

import asyncio
import atexit
import faulthandler
import os
import resource
import signal
import socket
from typing import Any, NoReturn

import uvicorn.config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from mnist_core.errors import UserError
from serving import limits

TRUSTED = "FORWARDED_ALLOW_IPS"  # uvicorn's own environment variable
REMEDY = "Choose another with --port or --host"
# A browser opens six connections to a host, and a class of 40 may have one address.
MAX_OF_ONE, MAX_CONNECTIONS = 240, 1024
# Of the files that may be open: each connection may have one sent, and the database needs some.
SHARE_OF_FILES = 0.4
# From when it is told to end: what was sent before still comes, requests under way are answered,
# and whatever holds a thread is given up, before Docker kills at 10.
LINGER_SECONDS, DRAIN_SECONDS, EXIT_SECONDS = 0.5, 8, 9.5


def check_address(host: str, port: int) -> None:
    """Raise UserError where nobody can listen: a busy port, or not an address of this machine.

    Only asking first tells that apart from what else can fail when a server starts; Ray would
    even share the port with another Ray.
    """
    if not 1 <= port <= 65535:
        raise UserError(f"{port} is not a port: expected 1 to 65535. {REMEDY}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
    except OSError as error:
        raise UserError(
            f"port {port} of {host} is busy or the address is not this machine's. {REMEDY}"
        ) from error


def prepare(trusted: str = "", share: bool = False) -> None:
    """Have uvicorn use `Connection`, log as metrics.py does and believe `trusted` proxies alone."""
    tunnel = "127.0.0.1" if share else ""  # where it ends on this machine
    os.environ[TRUSTED] = trusted or os.environ.get(TRUSTED, tunnel)
    uvicorn.config.HTTP_PROTOCOLS["auto"] = Connection
    uvicorn.config.WS_PROTOCOLS["auto"] = None
    uvicorn.config.LOGGING_CONFIG.update(handlers={}, loggers={})


def exit_when_told(page: Any) -> None:
    """On Ctrl-C, and SIGTERM, which process 1 would not notice, answer what is asked and end.

    `page` is Gradio's, served or not yet.
    """

    def end(number: int, _: object) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        faulthandler.dump_traceback_later(EXIT_SECONDS, exit=True, file=nowhere)
        if server := getattr(page, "server", None):
            server.config.timeout_graceful_shutdown = DRAIN_SECONDS
            server.should_exit = True
            server.thread.join()
        # Python's own end crashes now and then where threads are at work, and may take seconds.
        atexit._run_exitfuncs()
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


class Connection(H11Protocol):
    """A client's connection: we wait for the client, or the client waits for an answer.

    One that we wait for too long is cut; how long a body may take is for middleware.py, which
    can say so. Where there are too many, the one that we wait for longest gives way to a new one.

    h11 is what Gradio brings; httptools, which some have, has no limit for a head.
    """

    seen, waiting_since = None, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        # A proxy's connections are many clients'. (Above the app is ProxyHeadersMiddleware.)
        self.name = self if host in self.app.trusted_hosts else limits.client_name(self.client)
        self._watch()
        self._make_room()

    def shutdown(self) -> None:
        """Answer what was sent before the client could know, and close the connection."""
        if CLOSE_HEADER not in self.server_state.default_headers:
            self.server_state.default_headers.append(CLOSE_HEADER)
        self.loop.call_later(LINGER_SECONDS, self._end)

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()  # at once, or after the answer

    def _is_asked(self) -> bool:
        """Whether there is a request, at least its head, whose answer is not yet given or read."""
        asked = self.cycle is not None and not self.cycle.response_complete
        return asked and not self.flow.write_paused

    def _watch(self) -> None:
        """From time to time: see whether anything goes on, and cut this where nothing does."""
        now, unread = self.loop.time(), self.transport.get_write_buffer_size()
        seen = (self.cycle, unread // limits.MIN_RATE)
        if seen != self.seen or self._is_asked():
            self.seen, self.waiting_since = seen, now
        if now - self.waiting_since > limits.PATIENCE:
            self.transport.abort()
        elif self in self.connections:
            self.loop.call_later(limits.PATIENCE / 10, self._watch)

    def _make_room(self) -> None:
        """Where this is one too many, of its client or of all, cut the one waited for longest."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        rivals = [each for each in self.connections if each.name == self.name]
        if len(rivals) <= MAX_OF_ONE:
            rivals = self.connections
            if len(rivals) <= min(MAX_CONNECTIONS, int(files * SHARE_OF_FILES)):
                return
        waiting = (each for each in rivals if not each._is_asked() or each.cycle.more_body)
        longest = min(waiting, key=lambda each: each.waiting_since)
        self.connections.discard(longest)  # is counted no more, and not chosen again
        longest.transport.abort()
