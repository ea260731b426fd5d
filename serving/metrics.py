"""What the server counts, for Prometheus, and its log: one JSON line a refusal or error.

Neither ever holds a drawing, an address or anything else that a client sent.
"""

import datetime
import functools
import logging
import os
import queue
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from mnist_core.errors import UserError
from serving.errors import OUR_FAULT, Refusal
from serving.limits import MinuteLimit

# Seconds: from an answer on an idle machine to one that a person has stopped waiting for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)

# Of one kind in a minute: nothing that a stranger repeats fills a disk, or hides other lines.
MAX_LINES = 100
MAX_WAITING = 1000  # while nobody reads them: some 200 kB

logger = logging.getLogger("serving")


class Metrics:
    """Counters of one server; an `endpoint` is the name of one of its addresses, never a client's.

    What is refused or fails has a line in the log, too.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, open files
        counter = functools.partial(Counter, registry=self.registry)
        self.predictions = counter("digit_predictions", "Drawings and pictures read", ["endpoint"])
        self.refusals = counter("digit_refusals", "Requests refused", ["endpoint", "status"])
        self.errors = counter("digit_errors", "Requests that failed by our fault", ["endpoint"])
        self.seconds = Histogram(
            "digit_prediction_seconds",
            "From a request that is complete to its answer",
            ["endpoint"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    @contextmanager
    def prediction(self, endpoint: str) -> Iterator[None]:
        """Time and count what is done inside, unless it raises."""
        start = time.perf_counter()
        yield
        self.seconds.labels(endpoint).observe(time.perf_counter() - start)
        self.predictions.labels(endpoint).inc()

    def refusal(self, endpoint: str, error: Exception) -> Refusal:
        """What to answer to `error`: of a UserError its words, of a fault of ours none."""
        if isinstance(error, UserError):
            error = Refusal(422, str(error))
        if not isinstance(error, Refusal):
            self.failed(endpoint, error)
            return Refusal(500, OUR_FAULT)
        self.refusals.labels(endpoint, error.status).inc()
        fields = {"endpoint": endpoint, "status": error.status, "reason": error.reason}
        logger.info("refused", extra={"fields": fields})
        return error

    def failed(self, endpoint: str, error: Exception) -> None:
        """A fault of ours, or of the database."""
        self.errors.labels(endpoint).inc()
        logger.error("error", exc_info=error, extra={"fields": {"endpoint": endpoint}})


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


class PatientHandler(logging.Handler):
    """Writes from a thread of its own: a reader of standard error who stalls stops nobody.

    What finds no room, or is more than MAX_LINES in a minute, is left out; /metrics counts all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JSONFormatter())
        self.limit = MinuteLimit(MAX_LINES, 4 * MAX_LINES, "lines")
        self.lines = queue.Queue(MAX_WAITING)
        threading.Thread(target=self._write, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Refusal, queue.Full):
            self.limit.count(f"{record.name} {record.levelname}")
            self.lines.put_nowait(f"{self.format(record)}\n".encode())

    def flush(self) -> None:
        """Wait for a second at most until all is written, as logging does at the end."""
        end = time.monotonic() + 1
        while self.lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)

    def _write(self) -> None:
        while True:
            with suppress(OSError):
                os.write(2, self.lines.get())  # sys.stderr's lock would be held meanwhile
            self.lines.task_done()


def log_to_stderr() -> None:
    """Write the log of this package, and warnings of others, to standard error from now on."""
    logging.lastResort = handler = PatientHandler()
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
