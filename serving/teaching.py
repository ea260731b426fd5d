"""The doors for corrections: keep one, show and remove what the same browser has given.

Who asks is known by a random token alone, in the header "x-token", never in an address.
"""

import dataclasses
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.corrections import Corrections, LimitReached, StoreError
from serving.doors import check_signed_in, json_response, read_json
from serving.metrics import Metrics
from serving.networks import Networks
from serving.refusal import Refusal

CORRECTIONS = "corrections"  # beside the page


def routes(networks: Networks, store: Corrections, metrics: Metrics) -> list[Route]:
    """POST and GET /corrections, DELETE /corrections and /corrections/ID."""
    one_at_a_time = anyio.CapacityLimiter(1)  # the database lets one write anyway

    async def keep(request: Request) -> Response:
        """{"strokes": ..., "label": 0 to 9} -> {"id": ...}, once it is on disk."""
        token = asking(request)
        correction = await read_json(request)
        return json_response(await do(save, networks.current, store, token, correction))

    async def show(request: Request) -> Response:
        """{"corrections": [...]}, the oldest first."""
        return json_response(
            {"corrections": [shown(row) for row in await do(store.of, asking(request))]}
        )

    async def remove(request: Request) -> Response:
        """{"removed": how many}."""
        token, number = asking(request), request.path_params.get("id")
        if number is None:
            return json_response({"removed": await do(store.delete_all, token)})
        return json_response({"removed": int(await do(store.delete, number, token))})

    async def do(work: Any, *values: Any) -> Any:
        try:
            return await anyio.to_thread.run_sync(work, *values, limiter=one_at_a_time)
        except LimitReached as error:
            raise Refusal(429, str(error)) from error
        except ValueError as error:
            raise Refusal(422, str(error)) from error
        except StoreError as error:
            metrics.failed(f"/{CORRECTIONS}", error)
            raise Refusal(507, str(error)) from error

    return [
        Route(f"/{CORRECTIONS}", keep, methods=["POST"]),
        Route(f"/{CORRECTIONS}", show, methods=["GET"]),
        Route(f"/{CORRECTIONS}", remove, methods=["DELETE"]),
        Route(f"/{CORRECTIONS}/{{id:int}}", remove, methods=["DELETE"]),
    ]


def asking(request: Request) -> str:
    """The token of a request, from somebody who is logged in where that is needed."""
    check_signed_in(request)
    return request.headers.get("x-token", "")


def save(recognizer: Any, store: Corrections, token: str, correction: Any) -> dict[str, int]:
    """Keep a correction with what the network answers to it: a browser's word is not taken."""
    if not isinstance(correction, dict) or not {"strokes", "label"} <= correction.keys():
        raise ValueError('expected {"strokes": ..., "label": 0 to 9}')
    strokes, label = correction["strokes"], correction["label"]
    if type(label) is not int:  # the store would quote it, and refusals are logged
        raise ValueError("the label is not a digit, 0 to 9")
    prediction = recognizer.predict_strokes(strokes)
    probabilities = prediction.probabilities.tolist()
    answer = (prediction.digit, probabilities, recognizer.name)
    return {"id": store.add(token, label, strokes, *answer)}


def shown(row: Any) -> dict[str, Any]:
    """A row as the page and an exported drawing file have it, without its token."""
    fields = dataclasses.asdict(row)
    del fields["token"]
    return {**fields, "created": row.created.isoformat()}
