"""Routes by themselves: a client without what stands before them in a server."""

import contextlib
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from mnist_core.errors import UserError
from serving.errors import Refusal
from serving.metrics import report


@contextlib.contextmanager
def routes_alone(router: APIRouter) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router)

    def refuse(request: Request, error: Exception) -> JSONResponse:
        refusal = report("/test", error)
        return JSONResponse({"error": refusal.reason, "code": refusal.code}, refusal.status)

    for kind in (Refusal, UserError):
        app.add_exception_handler(kind, refuse)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
