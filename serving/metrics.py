"""What the server counts, for Prometheus; what is refused or fails is logged too."""

import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from starlette.exceptions import HTTPException

from mnist_core.errors import UserError
from serving.errors import OUR_FAULT, Refusal
from serving.log import logger

# Seconds: from an answer on an idle machine to one that a person has stopped waiting for.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)


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
        """What to answer to `error`: of a fault of ours no words."""
        if isinstance(error, UserError):
            error = Refusal(422, str(error), code=error.code or "invalid_input")
        elif isinstance(error, RequestValidationError):
            error = of_framework(422)
        elif isinstance(error, HTTPException) and error.status_code < 500:
            error = of_framework(error.status_code)
        if not isinstance(error, Refusal):
            self.failed(endpoint, error)
            return Refusal(500, OUR_FAULT, code="our_fault")
        self.refusals.labels(endpoint, error.status).inc()
        fields = {"endpoint": endpoint, "status": error.status, "code": error.code}
        logger.info("refused", extra={"fields": fields | {"reason": error.reason}})
        return error

    def failed(self, endpoint: str, error: Exception) -> None:
        """A fault of ours, or of the database."""
        self.errors.labels(endpoint).inc()
        logger.error("error", exc_info=error, extra={"fields": {"endpoint": endpoint}})


def of_framework(status: int) -> Refusal:
    """What Starlette or Gradio refuses, in our words: theirs may quote a client."""
    if status == 404:
        return Refusal(404, "there is nothing at this address", code="not_found")
    return Refusal(422, "this request has another form than is expected here", code="invalid_input")
