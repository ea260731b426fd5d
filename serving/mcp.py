"""Recognition as tools over MCP, by the official SDK: streamable HTTP, stateless, JSON answers.

Gradio's own MCP would fetch what a value names, and ask this server without the client's login.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route

PATHS = ("/mcp", "/gradio_api/mcp", "/gradio_api/mcp/")  # the last two are where Gradio has it


def mcp_server(functions: list[Callable[[Any], Awaitable]]) -> FastMCP:
    """A server with `functions` as tools, described by their docstrings and annotations.

    Which origins may ask is decided in access.py, so the SDK's own check is left out.
    """
    anybody = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server = FastMCP(
        "draw-a-digit", stateless_http=True, json_response=True, transport_security=anybody
    )
    for function in functions:
        server.add_tool(function, structured_output=False)
    server.streamable_http_app()  # makes its session manager
    return server


def routes(server: FastMCP) -> list[Route]:
    return [Route(path, StreamableHTTPASGIApp(server.session_manager)) for path in PATHS]
