"""Serve the page from several processes, replicas, that Ray Serve starts, watches and replaces.

    pip install -r requirements-ray.txt
    python scripts/serve_ray.py --replicas 2
    python scripts/serve_ray.py --replicas 1 --max-replicas 4

Any replica answers any request: the page, POST /recognize, /healthz and /metrics, which shows the
figures of the one that answers. One that dies or no longer answers is replaced. More than all of
them take is answered with 503, and the page tries again. Whoever signs in, with --auth, is known to
all of them. Public links and Gradio's own clients need `python app.py`.

Starts a Ray of its own, for this machine alone, that reports to nobody. Ctrl-C or SIGTERM
ends it. Exit code 2 when Ray is missing, the network can't be loaded or the address not used.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.errors import UserError
from serving.options import AUTH
from serving.server import check_address

if TYPE_CHECKING:
    from fastapi import FastAPI
    from ray.serve import Application

    from serving.auth import Passwords

# What Ray reads when it is imported, and hands on to its processes.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # In spite of its name: Ray's own ports are bound to 127.0.0.1, not to all addresses.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",  # its default where it starts anew, but without a warning
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
}
OBJECT_STORE = 2**27  # bytes of shared memory; Ray would take a third of all there is
QUIET = {"log_level": "WARNING", "enable_access_log": False}
DEPLOYMENT = {
    # All that wait at once are answered before the page would give up, even on a busy machine.
    "max_ongoing_requests": 32,  # of a replica
    "max_queued_requests": 16,  # others are told to come again
    "health_check_period_s": 2,
    "health_check_timeout_s": 10,
    # Ray would keep a core for each replica, and wait where there are too few.
    "ray_actor_options": {"num_cpus": 0},
    "logging_config": QUIET,
}
# Drawings are read one by one: where more wait than this, another replica is started.
TARGET_ONGOING = 4


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    print("Starting: Ray and its processes take half a minute", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            serve_page(args)
    except UserError as error:
        parser.exit(2, f"serve_ray.py: {error}\n")


def serve_page(args: argparse.Namespace) -> None:
    """Serve until Ctrl-C. Raises UserError. The slow imports are here, where Ctrl-C is quiet."""
    replicas = scale(args.replicas, args.max_replicas)
    check_address(args.host, args.port)
    os.environ.update(ENVIRONMENT)
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise UserError("Ray is missing: pip install -r requirements-ray.txt") from error
    from mnist_core import Recognizer
    from mnist_core.network.weights import move_old_install
    from serving.auth import credentials

    users = credentials(args.auth)
    if not args.weights and (moved := move_old_install()):
        print(moved, flush=True)
    Recognizer.load(args.weights).check()  # before Ray is started for replicas
    try:
        logs = start(args.host, args.port)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # instead of Ray's
        serve.run(application(args.weights, users, replicas), logging_config=QUIET)
        print(f"Draw at http://{args.host}:{args.port}/", flush=True)
        print(f"Refusals and errors are logged in {logs}", flush=True)
        threading.Event().wait()
    finally:
        ray.shutdown()


def scale(replicas: int, most: int | None) -> dict[str, Any]:
    """How many replicas, in Ray Serve's words: a fixed number, or as the load asks up to `most`."""
    if replicas < 1 or (most is not None and most < replicas):
        raise UserError("expected 1 replica or more, and --max-replicas not below --replicas")
    if most is None:
        return {"num_replicas": replicas}
    limits = {"min_replicas": replicas, "max_replicas": most}
    return {"autoscaling_config": {**limits, "target_ongoing_requests": TARGET_ONGOING}}


def start(host: str, port: int) -> Path:
    """Start Ray and its HTTP server; gives the folder of their logs."""
    import ray
    from ray import serve

    context = ray.init(
        address="local",  # never somebody else's
        num_cpus=0,  # or Ray starts a worker for each, to wait for tasks that never come
        object_store_memory=OBJECT_STORE,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(http_options={"host": host, "port": port}, logging_config=QUIET)
    return Path(context.address_info["session_dir"]) / "logs"


def application(
    weights: str | None, users: "Passwords | None", replicas: dict[str, Any]
) -> "Application":
    """The page with the network in `weights`, else the one in use, for `serve.run`.

    With `users` it is shut to everybody else. Gradio's API is not offered: its clients ask for an
    answer anew, perhaps another replica.
    """
    import httpx
    from ray import serve

    def build() -> "FastAPI":
        """Called in the replica's process."""
        from serving.app import PageServer
        from serving.reloader import watched

        bind_to_loopback()
        return PageServer(watched(weights), users=users)

    @serve.deployment(**DEPLOYMENT, **replicas)
    @serve.ingress(build)
    class Page:
        async def check_health(self) -> None:
            """Raise unless this replica answers."""
            itself = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=itself, base_url="http://replica") as client:
                (await client.get("/healthz")).raise_for_status()

    return Page.bind()


def bind_to_loopback() -> None:
    """Shut a port of this replica to other machines: Ray opens it to all, and unpickles what comes.

    There is no setting for it in Ray 2.60.
    """
    from ray.serve._private import replica

    add_port = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, _: add_port(server, "127.0.0.1:0")


def argument_parser() -> argparse.ArgumentParser:
    text = "Serve the page from several processes, with Ray Serve."
    parser = argparse.ArgumentParser(description=text)
    add = parser.add_argument
    add("--replicas", type=int, default=2, help="processes that read drawings (%(default)s)")
    add("--max-replicas", type=int, help="start more as the load asks, up to this number")
    add("--auth", action="append", default=[], metavar="USER:PASSWORD", help=AUTH)
    add("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (%(default)s)")
    add("--port", type=int, default=7860, help="1 to 65535 (%(default)s)")
    text = "folder or hf://USER/NAME (the installed network, else the shipped one)"
    add("--weights", help=text)
    return parser


if __name__ == "__main__":
    main()
