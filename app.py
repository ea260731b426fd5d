"""Draw a digit in the browser and see how sure the network is of each of the ten.

    python app.py
    python app.py --share --auth class:chalk

Exit code 2: the network or the address can't be used; 3: --share-or-exit got no public link.
"""

import os
import threading

from serving.options import argument_parser

if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()
    print("Starting: this takes some seconds, the first time a minute", flush=True)

from mnist_core.errors import UserError
from serving import auth, corrections, server, sharing, training
from serving.app import PageServer, launch
from serving.reloader import watched


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
    public = share or "SPACE_ID" in os.environ
    store = corrections.open_store(args.corrections, public)
    proxies = args.forwarded_allow_ips or os.environ.get(server.TRUSTED)
    elsewhere = bool(public or args.root_path or args.allowed_host or proxies)
    live = training.open_training(not args.no_train, args.host, elsewhere)
    page = PageServer(reloader, store, live, args.root_path, args.mcp)
    server.prepare(args.forwarded_allow_ips, share)
    server.exit_when_told(page)
    served = launch(page, args.host, args.port, share, users)
    print(f"Draw at {served.address}", flush=True)
    if address := sharing.network_address(args.host, args.port):
        sharing.print_address("In your network", address)
    if served.public_address:
        code = sharing.qr_picture(served.public_address)
        page.invitation = {"address": served.public_address, "code": code}
        sharing.print_address("Shared for a week", served.public_address)
    elif share:
        sharing.print_missing_link(served.printed)
        if args.share_or_exit:
            parser.exit(3)
    threading.Event().wait()


if __name__ == "__main__":
    main()
