"""Routes by themselves: a client without what stands before them in a server."""

import contextlib
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from mnist_core.errors import UserError
from serving.errors import Refusal
from serving.metrics import Metrics


@contextlib.contextmanager
def routes_alone(router: APIRouter, metrics: Metrics | None = None) -> Iterator[TestClient]:
    app, metrics = FastAPI(), metrics or Metrics()
    app.include_router(router)

    def refuse(request: Request, error: Exception) -> JSONResponse:
        refusal = metrics.refusal("/test", error)
        return JSONResponse({"error": refusal.reason, "code": refusal.code}, refusal.status)

    for kind in (Refusal, UserError):
        app.add_exception_handler(kind, refuse)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
