"""Draw a digit in the browser and see how sure the network is of each of the ten.

    python app.py
    python app.py --share --auth class:chalk

Exit code 2: the network or the address can't be used; 3: --share-or-exit got no public link.
"""

import argparse
import os
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from serving import auth, corrections, routes, server, sharing
from serving.mcp import mcp_routes
from serving.metrics import Metrics
from serving.middleware import MAX_BODY, LimitsMiddleware, outermost
from serving.reloader import ModelReloader, watched
from serving.skeleton import SkeletonMiddleware
from ui import components, page, standalone


def create_page(
    reloader: ModelReloader,
    store: Corrections | None = None,
    root_path: str = "",
    mcp: bool = False,
    hosts: list[str] | None = None,
) -> tuple[gr.Blocks, dict]:
    """The page, and how to serve it with `page.launch` or `gr.mount_gradio_app`."""
    metrics = Metrics()
    api = routes.api_functions(reloader, metrics, page.api_error)
    blocks = page.build(api, routes.RECOGNIZE, routes.NETWORK, store and corrections.CORRECTIONS)
    served = [*routes.recognition_routes(reloader, metrics), *auth.login_routes()]
    served += routes.file_routes(reloader, components.files())
    served += corrections.correction_routes(reloader, store, metrics) if store else []
    served += mcp_routes(reloader, metrics) if mcp else []
    limits = Middleware(LimitsMiddleware, metrics, components.page_version(), root_path)
    skeleton = Middleware(SkeletonMiddleware, standalone.skeletons(), components.preload_header())
    around = [Middleware(TrustedHostMiddleware, hosts), limits, skeleton]
    settings = {"max_file_size": MAX_BODY, "root_path": root_path}
    settings["app_kwargs"] = {"routes": served, "middleware": around, "lifespan": outermost}
    return blocks, page.settings() | settings


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    share = args.share or args.share_or_exit
    try:
        users = auth.credentials(args.auth)
        reloader = watched(args.weights)
        server.check_address(args.host, args.port)
    except UserError as error:
        parser.exit(2, f"app.py: {error}\n")
    store = corrections.open_store(args.corrections, public=share or "SPACE_ID" in os.environ)
    hosts = args.allowed_host and [*args.allowed_host, args.host, "localhost", "127.0.0.1"]
    blocks, settings = create_page(reloader, store, args.root_path, args.mcp, hosts)
    server.prepare(args.forwarded_allow_ips, share)
    server.exit_when_told(blocks)
    served = page.launch(blocks, settings, args.host, args.port, share, auth=users)
    print(f"Draw at {served.address}", flush=True)
    if served.public_address:
        page.invite(blocks, served.public_address, sharing.qr_picture(served.public_address))
        sharing.print_public_address(served.public_address)
    elif share:
        sharing.print_missing_link(served.said)
        if args.share_or_exit:
            parser.exit(3)
    blocks.block_thread()


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve a page on which a network reads digits.")
    add = parser.add_argument
    # Hugging Face Spaces and containers say where to listen in Gradio's own variables.
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    add("--host", default=host, help="0.0.0.0 lets other machines in (%(default)s)")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    add("--port", type=int, default=port, help="1 to 65535 (%(default)s)")
    add("--share", action="store_true", help="make a public link for a week")
    add("--share-or-exit", action="store_true", help="the same, or end with exit code 3")
    add("--auth", action="append", default=[], metavar="USER:PASSWORD", help=auth.HELP)
    add("--root-path", default="", metavar="/PATH", help="where a reverse proxy shows the page")
    add("--allowed-host", action="append", metavar="NAME", help="answer to no other Host")
    add("--forwarded-allow-ips", default="", metavar="ADDRESSES", help=server.HELP)
    add("--mcp", action="store_true", help="offer recognition over MCP too, at gradio_api/mcp/")
    add("--corrections", action=argparse.BooleanOptionalAction, help=corrections.HELP)
    add("--weights", default=Path(__file__).parent / "weights", help="folder or hf://USER/NAME")
    return parser


if __name__ == "__main__":
    main()
