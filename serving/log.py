"""The log: one JSON line a refusal or error on standard error, written by a thread of its own.

It never holds a drawing, an address or anything else that a client sent.
"""

import datetime
import logging
import queue
import sys
import traceback
from logging.handlers import QueueHandler, QueueListener

import orjson

logger = logging.getLogger("serving")


class JSONFormatter(logging.Formatter):
    """A JSON line. Of an error only class and place are shown, as its words may quote a client."""

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


def log_to_stderr() -> None:
    """Write this package's log, and warnings of libraries, to standard error from now on."""
    handler = QueueHandler(queue.SimpleQueue())
    handler.setFormatter(JSONFormatter())
    QueueListener(handler.queue, logging.StreamHandler(sys.stderr)).start()
    logging.getLogger().handlers = [handler]
    logger.setLevel(logging.INFO)


def take_over_uvicorn() -> None:
    """Have uvicorn's warnings written like all others, once it has set up its own handlers."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
