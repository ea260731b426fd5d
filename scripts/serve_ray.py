"""Serve the page from several processes with Ray Serve, which replaces those that fail.

    pip install -r requirements-ray.txt
    python scripts/serve_ray.py --replicas 2

Any replica answers any request: the page, POST /recognize, /healthz and its own /metrics. Requests
above the capacity of all get 503, and the page repeats them. Sessions of --auth are valid at every
replica. Public links and Gradio's clients need `python app.py`.

Starts Ray on this machine only, without usage reports. Ctrl-C or SIGTERM ends it. Exit code 2: Ray
is missing, or the network or the address can't be used.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.errors import UserError
from mnist_core.extras import check
from serving.options import AUTH
from serving.server import check_address

# Read by Ray when it is imported, and by its processes.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Despite its name, 0 binds Ray's own ports to 127.0.0.1 instead of all addresses.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",  # the default, set to avoid a warning
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
}
OBJECT_STORE = 2**27  # bytes of shared memory; by default Ray takes a third of the memory
QUIET = {"log_level": "WARNING", "enable_access_log": False}
DEPLOYMENT = {
    # So few that all are answered before the page gives up, even on a busy machine.
    "max_ongoing_requests": 32,  # of a replica
    "max_queued_requests": 16,
    "health_check_period_s": 2,
    "health_check_timeout_s": 10,
    # By default Ray reserves a core for each replica, and waits if there are too few.
    "ray_actor_options": {"num_cpus": 0},
    "logging_config": QUIET,
}


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in the background
        signal.signal(number, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            print("Starting: Ray and its processes take half a minute", flush=True)
            serve_page(args)
    except UserError as error:
        parser.exit(2, f"serve_ray.py: {error}\n")


def serve_page(args: argparse.Namespace) -> None:
    """Serve until Ctrl-C. Raises UserError. Slow imports are here, where Ctrl-C is quiet."""
    if args.classroom:
        raise UserError("replicas share no drawings: --class needs python app.py")
    if args.replicas < 1:
        raise UserError(f"--replicas is {args.replicas}; expected at least 1")
    check_address(args.host, args.port)
    os.environ.update(ENVIRONMENT)
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise UserError("Ray is missing: pip install -r requirements-ray.txt") from error
    check("page")
    from mnist_core import Recognizer
    from serving.auth import credentials

    users = credentials(args.auth)
    Recognizer.load(args.weights).check()  # before Ray is started for replicas
    try:
        logs = start(args.host, args.port)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # instead of Ray's
        serve.run(application(args.weights, users, args.replicas), logging_config=QUIET)
        print(f"Draw at http://{args.host}:{args.port}/", flush=True)
        print(f"Refusals and errors are logged in {logs}", flush=True)
        threading.Event().wait()
    finally:
        ray.shutdown()


def start(host: str, port: int) -> Path:
    """Start Ray and its HTTP server; return the folder of their logs."""
    import ray
    from ray import serve

    context = ray.init(
        address="local",  # not a running Ray
        num_cpus=0,  # no idle workers
        object_store_memory=OBJECT_STORE,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(http_options={"host": host, "port": port}, logging_config=QUIET)
    return Path(context.address_info["session_dir"]) / "logs"


def application(weights: str | None, users: Any, replicas: int) -> Any:
    """Return Ray Serve's application: the page with a network.

    That is the one in `weights`, or (None) the one in use. Only `users`, Passwords, have access, if
    given. There is no Gradio API, as its clients fetch the result of a call with a second request,
    which another replica may get.
    """
    import httpx
    from ray import serve

    def build() -> Any:
        """Make the server in the replica's process."""
        from serving.app import PageServer
        from serving.reloader import watched

        bind_to_loopback()
        return PageServer(watched(weights), users=users)

    @serve.deployment(**DEPLOYMENT, num_replicas=replicas)
    @serve.ingress(build)
    class Page:
        async def check_health(self) -> None:
            """Raise if this replica does not answer."""
            itself = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=itself, base_url="http://replica") as client:
                (await client.get("/healthz")).raise_for_status()

    return Page.bind()


def bind_to_loopback() -> None:
    """Bind a port of this replica to this machine, as Ray unpickles what it receives there.

    Ray 2.60 binds it to all addresses and has no setting for it.
    """
    from ray.serve._private import replica

    add_port = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, _: add_port(server, "127.0.0.1:0")


def argument_parser() -> argparse.ArgumentParser:
    text = "Serve the page from several processes, with Ray Serve."
    parser = argparse.ArgumentParser(description=text)
    add = parser.add_argument
    add("--replicas", type=int, metavar="N", default=2, help="processes to start (%(default)s)")
    add("--auth", action="append", default=[], metavar="USER:PASSWORD", help=AUTH)
    add("--host", default="127.0.0.1", help="0.0.0.0 for access from other machines (%(default)s)")
    add("--port", type=int, metavar="N", default=7860, help="1 to 65535 (%(default)s)")
    add("--class", dest="classroom", action="store_true", help=argparse.SUPPRESS)
    text = "folder or hf://USER/NAME (the installed network, else the shipped one)"
    add("--weights", metavar="NETWORK", help=text)
    return parser


if __name__ == "__main__":
    main()
