"""Draw a digit in the browser and see how sure the network is of each of the ten.

    python app.py
    python app.py --share --auth class:chalk

Exit code 2: the network or the address can't be used; 3: --share-or-exit got no public link.
"""

import os

from serving.options import argument_parser

if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()
    print("Starting: this takes some seconds, the first time a minute", flush=True)

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from mnist_core.network.weights import move_old_install
from serving import auth, corrections, middleware, routes, server, sharing, training
from serving.mcp import mcp_routes
from serving.metrics import Metrics
from serving.reloader import ModelReloader, watched
from serving.skeleton import SkeletonMiddleware
from ui import components, documents, page, standalone


def create_page(
    reloader: ModelReloader,
    store: Corrections | None = None,
    root_path: str = "",
    mcp: bool = False,
    hosts: list[str] | None = None,
    live: training.LiveTraining | None = None,
) -> tuple[gr.Blocks, dict]:
    """The page, and how to serve it with `page.launch` or `gr.mount_gradio_app`."""
    metrics = Metrics()
    api = routes.api_functions(reloader, metrics, page.api_error)
    gives, trains = store and corrections.CORRECTIONS, live and training.TRAINING
    blocks = page.build(api, routes.RECOGNIZE, routes.NETWORK, gives, trains)
    served = [*routes.recognition_routes(reloader, metrics), *auth.login_routes()]
    served += routes.file_routes(reloader, components.files(), documents.pages())
    served += corrections.correction_routes(reloader, store, metrics) if store else []
    served += training.training_routes(live) if live else []
    served += mcp_routes(reloader, metrics) if mcp else []
    limits = Middleware(middleware.LimitsMiddleware, metrics, components.page_version(), root_path)
    skeleton = Middleware(SkeletonMiddleware, standalone.skeletons(), components.preload_header())
    around = [Middleware(TrustedHostMiddleware, hosts), limits, skeleton]
    app = {"routes": served, "middleware": around, "lifespan": middleware.outermost}
    app["exception_handlers"] = middleware.NOT_ANSWERED
    settings = {"max_file_size": middleware.MAX_BODY, "root_path": root_path, "app_kwargs": app}
    return blocks, page.settings() | settings


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    share = args.share or args.share_or_exit
    try:
        users = auth.credentials(args.auth)
        if not args.weights and (moved := move_old_install()):
            print(moved, flush=True)
        reloader = watched(args.weights)
        server.check_address(args.host, args.port)
    except UserError as error:
        parser.exit(2, f"app.py: {error}\n")
    public = share or "SPACE_ID" in os.environ
    store = corrections.open_store(args.corrections, public)
    proxies = args.forwarded_allow_ips or os.environ.get(server.TRUSTED)
    elsewhere = bool(public or args.root_path or args.allowed_host or proxies)
    live = training.open_training(not args.no_train, args.host, elsewhere)
    hosts = args.allowed_host and [*args.allowed_host, args.host, "localhost", "127.0.0.1"]
    blocks, settings = create_page(reloader, store, args.root_path, args.mcp, hosts, live)
    server.prepare(args.forwarded_allow_ips, share)
    server.exit_when_told(blocks)
    served = page.launch(blocks, settings, args.host, args.port, share, auth=users)
    print(f"Draw at {served.address}", flush=True)
    if address := sharing.network_address(args.host, args.port):
        sharing.print_address("In your network", address)
    if served.public_address:
        page.invite(blocks, served.public_address, sharing.qr_picture(served.public_address))
        sharing.print_address("Shared for a week", served.public_address)
    elif share:
        sharing.print_missing_link(served.said)
        if args.share_or_exit:
            parser.exit(3)
    blocks.block_thread()


if __name__ == "__main__":
    main()
