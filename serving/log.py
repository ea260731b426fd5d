"""The log: a JSON line on standard error for each refusal or error, written by another thread.

It never holds what a client sent.
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
    """JSON lines, with an error's class and traceback; its message may quote a client."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {"time": moment.isoformat(timespec="seconds"), "event": record.getMessage()}
        if record.name.partition(".")[0] != logger.name:  # a library's message may quote one too
            line |= {"event": str(record.msg).partition("\n")[0], "logger": record.name}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            kind, _, place = record.exc_info
            line |= {"error": kind.__name__, "traceback": traceback.format_tb(place)}
        return orjson.dumps(line).decode()


def log_to_stderr() -> None:
    """Start to log this package's messages and libraries' warnings to standard error."""
    handler = QueueHandler(queue.SimpleQueue())
    handler.setFormatter(JSONFormatter())
    QueueListener(handler.queue, logging.StreamHandler(sys.stderr)).start()
    logging.getLogger().handlers = [handler]
    logger.setLevel(logging.INFO)


def take_over_uvicorn() -> None:
    """Format uvicorn's warnings like all others; call it after uvicorn has set up its log."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
