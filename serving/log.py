"""The log: one JSON line a refusal or error on standard error, written by a thread of its own.

It never holds a drawing, an address or anything else that a client sent.
"""

import contextlib
import datetime
import logging
import queue
import sys
import traceback
from logging.handlers import QueueHandler, QueueListener

import orjson

from serving.errors import Refusal
from serving.limits import MAX_LOG_LINES, MinuteLimit

MAX_WAITING = 1000  # lines that nobody reads: some 200 kB

logger = logging.getLogger("serving")


class JSONFormatter(logging.Formatter):
    """A JSON line; an error is named by its class and place, as its words may quote a client."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {"time": moment.isoformat(timespec="seconds"), "event": record.getMessage()}
        if record.name.partition(".")[0] != logger.name:  # a library's words may quote one, too
            line |= {"event": str(record.msg).partition("\n")[0], "logger": record.name}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            kind, _, place = record.exc_info
            line |= {"error": kind.__name__, "traceback": traceback.format_tb(place)}
        return orjson.dumps(line).decode()


class BoundedHandler(QueueHandler):
    """Drops what is too much: a stranger fills no disk, and a stalled reader stops nobody."""

    def __init__(self) -> None:
        super().__init__(queue.Queue(MAX_WAITING))
        self.setFormatter(JSONFormatter())
        self.limit = MinuteLimit(MAX_LOG_LINES, 4 * MAX_LOG_LINES, "lines")

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Refusal, queue.Full):
            self.limit.count(f"{record.name} {record.levelname}")
            self.queue.put_nowait(record)


def log_to_stderr() -> None:
    """Write the log of this package, and warnings of others, to standard error from now on."""
    handler = BoundedHandler()
    QueueListener(handler.queue, logging.StreamHandler(sys.stderr)).start()
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logging.lastResort = handler


def take_over_uvicorn() -> None:
    """Have uvicorn's warnings written like all others, once it has set up its own handlers."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
