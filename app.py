"""Draw a digit in the browser and see how sure the network is of each of the ten.

    python app.py
    python app.py --share --auth class:chalk

Builds the page, wires its events and serves it. Exit code 2 when the network
can't be loaded or the address can't be used, 3 when --share-or-exit gets no public link.
"""

import argparse
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from starlette.middleware import Middleware

from mnist_core import Prediction
from mnist_core.corrections import Corrections
from mnist_core.pictures import decode_picture
from serving import doors, sharing, teaching
from serving.gate import MAX_BODY, Gate
from serving.metrics import Metrics
from serving.networks import Networks
from serving.refusal import sentence
from ui import I18N, About, Chart, Examples, Heading, Insight, Invitation, Sketchpad, Teaching
from ui.component import page_version

WEIGHTS = Path(__file__).parent / "weights"
PAGE_STYLE = Path(__file__).parent / "ui" / "page.css"

# Gradio's own queue, which its clients use: more than these wait are told to come again.
MAX_QUEUE = 50
# What Gradio remembers of clients that have called it; the page is none of them.
MAX_SESSIONS = 200


def build(networks: Networks, metrics: Metrics, teach: bool = False) -> gr.Blocks:
    """The page, and the endpoints /predict and /predict_image for Gradio's clients and MCP.

    With `teach` it can be corrected; `settings` then needs the store.
    """

    def predict(strokes: list[list[list[float]]]) -> dict[str, float]:
        """How probable each digit is for a drawing: strokes, lists of [x, y] points, y down."""
        with answering("/predict", metrics):
            return by_digit(networks.current.predict_strokes(strokes))

    def predict_image(picture: str) -> dict[str, float]:
        """How probable each digit is for a picture of one, dark on light or light on dark.

        The picture is a data URL, data:image/png;base64,..., PNG, JPEG or WebP, of at most
        1024 pixels a side and 1 MiB.
        """
        with answering("/predict_image", metrics):
            return by_digit(networks.current.predict_image(decode_picture(picture)))

    with gr.Blocks(title="Draw a digit", analytics_enabled=False) as page:
        # Where each stands is for page.css to say: gr.Markdown and gr.Row would load more scripts.
        Heading(elem_id="title")
        Sketchpad(doors.RECOGNIZE, page_version(), elem_id="sketchpad")
        Chart(elem_id="chart")
        if teach:
            Teaching(teaching.CORRECTIONS, elem_id="teaching")
        Examples(elem_id="examples")
        Insight(elem_id="insight")
        Invitation(elem_id="invitation")
        About(doors.NETWORK, elem_id="about")
        for endpoint in (predict, predict_image):
            gr.api(endpoint, concurrency_limit=doors.WORKERS, concurrency_id="recognizer")
    return page.queue(max_size=MAX_QUEUE, api_open=False)


@contextlib.contextmanager
def answering(door: str, metrics: Metrics):
    """Count what is done inside, and say in Gradio's way what it refuses."""
    try:
        with metrics.prediction(door):
            yield
    except ValueError as error:
        metrics.refused(door, 422, sentence(error))
        raise gr.Error(sentence(error), print_exception=False) from error


def settings(
    networks: Networks, metrics: Metrics, store: Corrections | None = None, mcp: bool = False
) -> dict[str, Any]:
    """How the page is served, for `Blocks.launch` and `gr.mount_gradio_app` alike."""
    routes = doors.routes(networks, metrics)
    if store:
        routes += teaching.routes(networks, store, metrics)
    gate = Middleware(Gate, metrics=metrics, headers={"page-version": page_version()}, mcp=mcp)
    return {
        "app_kwargs": {"routes": routes, "middleware": [gate]},
        # Soft's subdued grey is too faint to read; its background would be lost in `set`.
        "theme": gr.themes.Soft(font="system-ui").set(
            body_text_color_subdued="*neutral_500", background_fill_primary="*neutral_50"
        ),
        "css_paths": PAGE_STYLE,
        "i18n": I18N,
        "mcp_server": mcp,
        "ssr_mode": False,
        # The gate shuts most doors of Gradio's; these are for what passes it.
        "show_error": False,
        "allowed_paths": [],
        "max_file_size": MAX_BODY,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api", "settings"],
    }


def serve(
    page: gr.Blocks,
    settings: dict[str, Any],
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    **more: Any,
) -> tuple[Any, str, str | None]:
    """Serve `page` from a thread of its own: the app, its address and its public one, if shared.

    Without a port it takes a free one from 7860 on. `more` are further arguments of
    `Blocks.launch`. Raises OSError when the address can't be used.
    """
    served = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        quiet=True,
        prevent_thread_lock=True,
        state_session_capacity=MAX_SESSIONS,
        **settings,
        **more,
    )
    page.share = False  # or Gradio would have the shared page load its script from elsewhere
    return served


def by_digit(prediction: Prediction) -> dict[str, float]:
    """A prediction as the HTTP API gives it: {"0": p, ..., "9": p}."""
    return {str(digit): float(p) for digit, p in enumerate(prediction.probabilities)}


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(1)  # the network is small: threads would only wait for each other
    args.share = args.share or args.share_or_exit
    try:
        users = sharing.credentials(args.auth)
        networks = Networks(args.weights)
    except (ValueError, OSError) as error:
        parser.exit(2, f"app.py: {error}\n")
    try:
        page, address, public_address, words = start(args, networks, users)
    except OSError:
        parser.exit(
            2,
            f"app.py: can't serve on {args.host}, port {args.port}: the port is busy or the "
            "address is not this machine's. Choose another with --port or --host\n",
        )
    except Exception as error:  # Gradio asks itself for the page, which a proxy can prevent
        parser.exit(2, f"app.py: can't serve: {error}\n")
    networks.watch()
    print(f"Draw at {address}", flush=True)
    if args.mcp:
        print(f"MCP, streamable HTTP, at {address}gradio_api/mcp/", flush=True)
    if public_address:
        invite(page, public_address)
    elif args.share:
        explain_missing_link(words)
        if args.share_or_exit:
            parser.exit(3)
    page.block_thread()


def start(
    args: argparse.Namespace, networks: Networks, users: list[tuple[str, str]] | None
) -> tuple[gr.Blocks, str, str | None, str]:
    """Build and serve the page: it, its address, its public one, and what Gradio said meanwhile.

    Gradio prints, for one, why there is no public link, and goes on.
    """
    metrics = Metrics()
    store = open_corrections(args.corrections, public=args.share or "SPACE_ID" in os.environ)
    page = build(networks, metrics, teach=store is not None)
    how = settings(networks, metrics, store, args.mcp)
    more = {"auth": users, "root_path": args.root_path}
    words = io.StringIO()
    with contextlib.redirect_stdout(words):
        _, address, public_address = serve(page, how, args.host, args.port, args.share, **more)
    return page, address, public_address, words.getvalue()


def open_corrections(wanted: bool | None, public: bool) -> Corrections | None:
    """Where corrections are kept; None where they are not wanted or can't be."""
    if wanted is False or (wanted is None and public):
        return None
    try:
        return Corrections.open()
    except (ValueError, OSError) as error:
        print(f"app.py: the network can't be corrected here. {sentence(error)}", file=sys.stderr)
        return None


def invite(page: gr.Blocks, address: str) -> None:
    """Show the public `address`, as text and as a QR code, in the terminal and on the page."""
    print(f"Shared for a week at\n{address}", flush=True)
    if sys.stdout.isatty():
        print(sharing.qr_text(address))
    (invitation,) = (block for block in page.blocks.values() if isinstance(block, Invitation))
    invitation.show(address, sharing.qr_picture(address))
    page.config = page.get_config_file()  # what the page is made from


def explain_missing_link(words: str) -> None:
    """`words` are Gradio's own, on why."""
    reason = " ".join(words.split()) or "Gradio does not say why."
    print(
        f"app.py: there is no public link; the page is served here alone. {reason}\n"
        "A link needs a way out to Gradio's servers: look whether a proxy or firewall is in "
        "between, then start again. Without one, --host 0.0.0.0 lets in your own network.",
        file=sys.stderr,
    )


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Serve a page on which a digit is drawn and read by a neural network.",
    )
    add = parser.add_argument
    # Hugging Face Spaces and containers say where to listen in Gradio's own variables.
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    add("--host", default=host, help="0.0.0.0 lets other machines in (%(default)s)")
    port_number = os.environ.get("GRADIO_SERVER_PORT", "7860")
    add("--port", type=port, default=port_number, help="1 to 65535 (%(default)s)")
    add("--share", action="store_true", help="make a public link for a week")
    add(
        "--share-or-exit",
        action="store_true",
        help="the same, and end with exit code 3 where there can be none",
    )
    add(
        "--auth",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help="let in only who knows this; may be given again. Other people on this machine can "
        f"read it in the list of processes, but not the variable {sharing.PASSWORDS}, which "
        "holds the same, a line each",
    )
    add("--root-path", metavar="/PATH", help="where a reverse proxy shows the page, e.g. /digits")
    add("--mcp", action="store_true", help="offer recognition as a tool over MCP as well")
    add(
        "--corrections",
        action=argparse.BooleanOptionalAction,
        help="keep drawings that people correct, if they agree; where the page is public, with "
        "--share or on a Space, only if this is given",
    )
    add(
        "--weights",
        default=WEIGHTS,
        help="folder with the network, or hf://USER/NAME on the Hub (weights)",
    )
    return parser


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port: expected 1 to 65535")
    return number


if __name__ == "__main__":
    main()
