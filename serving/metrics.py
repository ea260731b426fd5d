"""What the server counts, for Prometheus, and logs. An `endpoint` is one of our own addresses."""

import contextlib
import logging
import time
from collections.abc import Iterator

from prometheus_client import Counter, Histogram

from serving.errors import Refusal, as_refusal
from serving.log import logger

# From an answer on an idle machine to one that a person has stopped waiting for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)
SECONDS = Histogram(
    "digit_prediction_seconds",
    "From a complete request to its answer",
    ["endpoint"],
    buckets=BUCKETS,
)
REFUSALS = Counter("digit_refusals", "Requests refused or failed", ["endpoint", "status"])


@contextlib.contextmanager
def timed_prediction(endpoint: str) -> Iterator[None]:
    """Time and count what is done inside, unless it raises."""
    start = time.perf_counter()
    yield
    SECONDS.labels(endpoint).observe(time.perf_counter() - start)


def report(endpoint: str, error: Exception) -> Refusal:
    """Count and log `error`, with a traceback if the server is at fault; gives what to answer."""
    refusal = as_refusal(error)
    REFUSALS.labels(endpoint, refusal.status).inc()
    cause = (error.__cause__ if error is refusal else error) if refusal.status >= 500 else None
    fields = {"endpoint": endpoint, "status": refusal.status, "code": refusal.code}
    level, event = (logging.ERROR, "error") if cause else (logging.INFO, "refused")
    extra = {"fields": {**fields, "reason": refusal.reason}}
    logger.log(level, event, exc_info=cause, extra=extra)
    return refusal
