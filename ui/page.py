"""The page: its components in order, and what concerns its look and Gradio's front end.

Where each component stands is for page.css to say: gr.Markdown and gr.Row would load more
scripts.
"""

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from ui.components import FOLDER, component, page_version, rehearsal_address
from ui.texts import I18N

# Gradio's own queue, which its clients use: more than these wait are told to come again.
MAX_QUEUE = 50
# What Gradio remembers of clients that have called it; the page is none of them.
MAX_SESSIONS = 200
EXAMPLES = FOLDER / "examples" / "drawings.jsonl"  # "style" is a key of the page's texts


def build(
    endpoints: Sequence[Callable],
    recognize: str | None,
    network: str | None,
    corrections: str | None = None,
    training: str | None = None,
) -> gr.Blocks:
    """The page, and Gradio's own `endpoints` for its clients, one call at a time.

    `recognize` reads pictures, `network` tells what reads drawings and lies beside its file,
    `corrections` keeps what people correct, `training` trains while they look on: addresses
    relative to the page, None where there is no such thing.
    """
    with gr.Blocks(title="Draw a digit", analytics_enabled=False) as page:
        component("heading")
        component(
            "sketchpad",
            endpoint=recognize,
            network=network,
            rehearsal=network and rehearsal_address(),
            version=page_version(),
        )
        component("chart")
        component("feedback", endpoint=corrections)
        # As text: of a nested value Gradio makes a proxy for each point, which takes time.
        component("examples", drawings=EXAMPLES.read_text(encoding="utf-8"))
        component("insight")
        component("invitation", address="", code="", visible=False)
        component("about", endpoint=network, corrections=corrections)
        for endpoint in endpoints:
            gr.api(endpoint, concurrency_limit=1, concurrency_id="recognizer")
    return page.queue(max_size=MAX_QUEUE, api_open=False)


def invite(page: gr.Blocks, address: str, code: str) -> None:
    """Show a public address, and `code`, the URL of a picture of it, on pages opened from now on.

    Nothing that a client sends is ever shown there.
    """
    (invitation,) = (block for block in page.blocks.values() if block.elem_id == "invitation")
    invitation.props.update(address=address, code=code)
    invitation.visible = True
    page.config = page.get_config_file()  # what the page is made from


def settings() -> dict[str, Any]:
    """How the page looks and what of Gradio's front end it has, for `Blocks.launch` and mounting.

    What it does not use of Gradio is off.
    """
    return {
        # Soft's subdued grey is too faint to read; its background would be lost in `set`.
        "theme": gr.themes.Soft(font="system-ui").set(
            body_text_color_subdued="*neutral_500", background_fill_primary="*neutral_50"
        ),
        "css_paths": FOLDER / "page.css",
        "i18n": I18N,
        "ssr_mode": False,
        "show_error": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "run_history": False,
        "footer_links": [],
    }


class Launched(NamedTuple):
    """Where a page is served, its public address if it has one, and what Gradio `said` meanwhile.

    Gradio prints, for one, why there is no public link, and goes on.
    """

    address: str
    public_address: str | None
    said: str


def launch(
    page: gr.Blocks,
    settings: dict[str, Any],
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    auth: Callable[[str, str], bool] | None = None,
) -> Launched:
    """Serve `page` from a thread of its own; without a port it takes a free one from 7860 on."""
    # Gradio asks itself for the page: not through a proxy.
    hosts = [os.environ.get("no_proxy"), "localhost,127.0.0.1"]
    os.environ["no_proxy"] = ",".join(filter(None, hosts))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        _, address, public_address = page.launch(
            server_name=host,
            server_port=port,
            share=share,
            auth=auth,
            quiet=True,
            prevent_thread_lock=True,
            state_session_capacity=MAX_SESSIONS,
            **settings,
        )
    page.share = False  # or Gradio would have the shared page load its script from elsewhere
    return Launched(address, public_address, said.getvalue())


def api_error(words: str) -> gr.Error:
    """What shows `words` to a client of Gradio's and leaves no traceback in the log."""
    return gr.Error(words, print_exception=False)
