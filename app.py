"""Serve the page: draw a digit, and a network says how probable each of the ten is.

    python app.py
    python app.py --share --auth class:chalk
    python app.py --class

Exit code 2: the network or the address can't be used; 3: --share-or-exit and no public link.
"""

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from mnist_core.extras import exit_without
from serving.options import argument_parser
from serving.server import install_signal_handlers

if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()
    exit_without("page")
    install_signal_handlers()
    print("Starting: this takes some seconds, the first time a minute", flush=True)

from mnist_core.errors import UserError
from serving import auth, corrections, server, sharing, training
from serving.app import Launched, PageServer, launch
from serving.classroom import WALL, Classroom
from serving.origins import Site
from serving.reloader import watched


def main() -> None:
    parser = argument_parser()
    try:
        with served(parser.parse_args()):
            threading.Event().wait()
    except UserError as error:
        parser.exit(2, f"app.py: {error}\n")


@contextlib.contextmanager
def served(args: argparse.Namespace) -> Iterator[str]:
    """Serve the page until the end of the block; yield its address. Raises UserError."""
    share = args.share or args.share_or_exit
    users = auth.credentials(args.auth)
    args.host = args.host or ("0.0.0.0" if args.classroom and not share else "127.0.0.1")
    server.check_address(args.host, args.port)
    reloader = watched(args.weights)
    public = share or "SPACE_ID" in os.environ
    proxies = args.forwarded_allow_ips or os.environ.get(server.TRUSTED)
    elsewhere = bool(public or args.root_path or proxies)
    live = training.open_training(not args.no_train, args.host, elsewhere)
    store = corrections.open_store(args.corrections, public or args.classroom)
    classroom = Classroom() if args.classroom else None
    page = PageServer(reloader, store, live, Site(args.root_path), users, args.mcp, classroom)
    server.trust_proxies(args.forwarded_allow_ips, share)
    with contextlib.ExitStack() as stack:
        if live:
            stack.callback(live.close)
        launched = launch(page, args.host, args.port, share)
        stack.callback(page.get_blocks().close, verbose=False)
        print_addresses(launched, page, args)
        if classroom:
            stack.callback(classroom.close)
            address = sharing.network_address(args.host, args.port) or launched.address
            open_classroom(classroom, page.site.address() or address + page.site.prefix[1:])
        if share and not launched.public_address:
            sharing.print_missing_link(launched.printed)
            if args.share_or_exit:
                sys.exit(3)
        yield launched.address


def print_addresses(launched: Launched, page: PageServer, args: argparse.Namespace) -> None:
    print(f"Draw at {launched.address}", flush=True)
    if address := sharing.network_address(args.host, args.port):
        sharing.print_address("In your network", address)
    if address := launched.public_address:
        page.invitation = {"address": address, "code": sharing.qr_picture(address)}
        sharing.print_address("Shared for a week", address)


def open_classroom(classroom: Classroom, address: str) -> None:
    """Print the address of the wall, which shows the pupils' `address`."""
    address = f"{address.rstrip('/')}/"
    classroom.invitation = {"address": address, "code": sharing.qr_picture(address)}
    print(f"The wall, for the teacher alone, at\n{address}{WALL}/{classroom.secret}", flush=True)


if __name__ == "__main__":
    main()
