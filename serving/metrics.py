"""What the server counts, for Prometheus, and its log: one JSON line a refusal or error.

Neither ever holds a drawing, an address or anything else that a client sent.
"""

import datetime
import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Seconds: from an answer on an idle machine to one that a person has stopped waiting for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)


class Metrics:
    """Counters of one server; a `door` is the name of one of its addresses, never a client's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, open files
        self.predictions = Counter(
            "digit_predictions", "Drawings and pictures read", ["door"], registry=self.registry
        )
        self.refusals = Counter(
            "digit_refusals", "Requests refused", ["door", "status"], registry=self.registry
        )
        self.errors = Counter(
            "digit_errors", "Requests that failed by our fault", ["door"], registry=self.registry
        )
        self.seconds = Histogram(
            "digit_prediction_seconds",
            "From a request that is complete to its answer",
            ["door"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    @contextmanager
    def prediction(self, door: str) -> Iterator[None]:
        """Time and count what is done inside, unless it raises."""
        start = time.perf_counter()
        yield
        self.seconds.labels(door).observe(time.perf_counter() - start)
        self.predictions.labels(door).inc()

    def refused(self, door: str, status: int, reason: str) -> None:
        """`reason` is a sentence of ours."""
        self.refusals.labels(door, status).inc()
        _log(event="refused", door=door, status=status, reason=reason)

    def failed(self, door: str, error: Exception) -> None:
        """The message of `error` may quote a client: only its kind and place are logged."""
        self.errors.labels(door).inc()
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename}:{place.lineno}"
        _log(event="error", door=door, error=type(error).__name__, where=where)

    def exposition(self) -> bytes:
        """All counts in Prometheus's text format, CONTENT_TYPE."""
        return generate_latest(self.registry)


def _log(**line: object) -> None:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    print(json.dumps({"time": now, **line}), file=sys.stderr, flush=True)
