"""Recognition as a tool over MCP, streamable HTTP: POST /gradio_api/mcp/, a JSON answer to each.

Gradio's own MCP would fetch what a value names, and ask this server without the client's login.
"""

import inspect
from collections.abc import Callable
from typing import Any

import anyio
import orjson
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.errors import UserError
from serving.auth import check_signed_in
from serving.envelopes import ENDPOINTS, only, parse_object
from serving.errors import sentence
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from serving.routes import api_functions, json_response

PATH = "/gradio_api/mcp"  # where Gradio has it, and clients look for it
# What is used here is the same in all of them: https://modelcontextprotocol.io/specification
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
SERVER = {"capabilities": {"tools": {}}, "serverInfo": {"name": "draw-a-digit", "version": "1"}}


def mcp_routes(reloader: ModelReloader, metrics: Metrics) -> list[Route]:
    """/gradio_api/mcp: `api_functions` as tools."""
    tools = {tool.__name__: tool for tool in api_functions(reloader, metrics, UserError)}
    worker = anyio.CapacityLimiter(1)

    async def mcp(request: Request) -> Response:
        check_signed_in(request)
        message = parse_object(await request.body())
        if not isinstance(message.get("id"), str | int):  # it tells something, and asks nothing
            return Response(status_code=202)
        said = await anyio.to_thread.run_sync(answer, tools, message, limiter=worker)
        return json_response({"jsonrpc": "2.0", "id": message["id"], **said})

    return [Route(path, mcp, methods=["POST"]) for path in (PATH, f"{PATH}/")]


def answer(tools: dict[str, Callable], message: dict[str, Any]) -> dict[str, Any]:
    """{"result": ...} or {"error": ...}, as JSON-RPC has them."""
    match message:
        case {"method": "initialize", "params": {"protocolVersion": asked}}:
            version = asked if asked in VERSIONS else VERSIONS[0]
            return {"result": {"protocolVersion": version, **SERVER}}
        case {"method": "ping"}:
            return {"result": {}}
        case {"method": "tools/list"}:
            return {"result": {"tools": [description(tool) for tool in tools.values()]}}
        case {"method": "tools/call", "params": {"name": str(name)} as params} if name in tools:
            return {"result": call(tools[name], params.get("arguments"))}
    return {"error": {"code": -32601, "message": "There is no such method or tool here."}}


def description(tool: Callable) -> dict[str, Any]:
    """What a language model reads of a tool: its docstring, and its parameter as a schema."""
    schema = TypeAdapter(tool).json_schema()
    return {"name": tool.__name__, "description": inspect.getdoc(tool), "inputSchema": schema}


def call(tool: Callable, arguments: Any) -> dict[str, Any]:
    """What `tool` answers, or a sentence that says what is wrong with the `arguments`."""
    try:
        text = orjson.dumps(tool(only(arguments, ENDPOINTS[tool.__name__]))).decode()
        return {"content": [{"type": "text", "text": text}]}
    except UserError as error:
        return {"content": [{"type": "text", "text": sentence(error)}], "isError": True}
