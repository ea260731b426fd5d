"""What the server counts, for Prometheus, and its log: one JSON line a refusal or error.

Neither ever holds a drawing, an address or anything else that a client sent.
"""

import datetime
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

# Seconds: from an answer on an idle machine to one that a person has stopped waiting for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)

logger = logging.getLogger("serving")


class Metrics:
    """Counters of one server; an `endpoint` is the name of one of its addresses, never a client's.

    `refused` and `failed` also write a line to the log.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, open files
        self.predictions = self._counter("digit_predictions", "Drawings and pictures read")
        self.refusals = self._counter("digit_refusals", "Requests refused", "status")
        self.errors = self._counter("digit_errors", "Requests that failed by our fault")
        self.seconds = Histogram(
            "digit_prediction_seconds",
            "From a request that is complete to its answer",
            ["endpoint"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, ["endpoint", *labels], registry=self.registry)

    @contextmanager
    def prediction(self, endpoint: str) -> Iterator[None]:
        """Time and count what is done inside, unless it raises."""
        start = time.perf_counter()
        yield
        self.seconds.labels(endpoint).observe(time.perf_counter() - start)
        self.predictions.labels(endpoint).inc()

    def refused(self, endpoint: str, status: int, reason: str) -> None:
        """`reason` is a sentence of ours."""
        self.refusals.labels(endpoint, status).inc()
        fields = {"endpoint": endpoint, "status": status, "reason": reason}
        logger.info("refused", extra={"fields": fields})

    def failed(self, endpoint: str, error: Exception) -> None:
        """A fault of ours, or of the database."""
        self.errors.labels(endpoint).inc()
        logger.error("error", exc_info=error, extra={"fields": {"endpoint": endpoint}})

    def exposition(self) -> bytes:
        """All counts in Prometheus's text format."""
        return generate_latest(self.registry)


class JSONFormatter(logging.Formatter):
    """A JSON line; an error is named by its class and place, as its words may quote a client."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {"time": time.isoformat(timespec="seconds"), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            kind, _, place = record.exc_info
            line |= {"error": kind.__name__, "traceback": traceback.format_tb(place)}
        return orjson.dumps(line).decode()


def log_to_stderr() -> None:
    """Write the log of this package to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
