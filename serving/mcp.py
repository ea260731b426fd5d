"""Recognition as tools over MCP, by the official SDK: streamable HTTP, stateless, JSON answers.

Gradio's own MCP would fetch what a value names, and ask this server without the client's login.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, TextContent, Tool
from pydantic import TypeAdapter
from starlette.routing import Route

from mnist_core.errors import UserError
from serving.errors import Refusal, sentence
from serving.gradio_api import ENDPOINTS, only

PATHS = ("/mcp", "/gradio_api/mcp", "/gradio_api/mcp/")  # the last two are where Gradio has it


def session_manager(functions: list[Callable[[Any], Awaitable]]) -> StreamableHTTPSessionManager:
    """What answers MCP at PATHS with `functions` as tools, inside its `run()`.

    Which hosts and origins may ask is decided in access.py, so the SDK's own check is left out.
    """
    tools = {function.__name__: function for function in functions}
    server = Server("draw-a-digit")

    @server.list_tools()
    async def list_tools() -> list[Tool]:
        return [described(tool) for tool in tools.values()]

    @server.call_tool(validate_input=False)  # its complaints would quote what was sent
    async def call_tool(name: str, arguments: dict[str, Any]) -> CallToolResult:
        try:
            if name not in tools:
                raise UserError(f"there is no such tool: expected {', '.join(tools)}")
            found = await tools[name](only(arguments, ENDPOINTS[name]))
            return result(orjson.dumps(found).decode())
        except (Refusal, UserError) as error:
            return result(sentence(error), is_error=True)

    anybody = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, security_settings=anybody
    )


def routes(manager: StreamableHTTPSessionManager) -> list[Route]:
    return [Route(path, StreamableHTTPASGIApp(manager)) for path in PATHS]


def result(text: str, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], isError=is_error)


def described(tool: Callable) -> Tool:
    """What a language model reads of a tool: its docstring, and its parameter as a schema."""
    (parameter,) = inspect.signature(tool).parameters.values()
    schema = {
        "type": "object",
        "properties": {parameter.name: TypeAdapter(parameter.annotation).json_schema()},
        "required": [parameter.name],
    }
    return Tool(name=tool.__name__, description=inspect.getdoc(tool), inputSchema=schema)
