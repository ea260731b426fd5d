"""Something to look at in the page's first answer, where Gradio's is empty until it has loaded."""

import re

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.middleware import page_path

# Browsers show nothing before a style sheet that is named above it.
STYLE_SHEET = re.compile(b'<link rel="stylesheet"[^>]*>')
PAGE = b"<gradio-app"
LOGIN = b'"auth_required":true'


class SkeletonMiddleware:
    """ASGI middleware that puts a skeleton before Gradio's page, and sends both gzipped.

    `skeletons` has one for each language, by its first letters; others read the first of them.
    `link` is the answer's Link header: what the browser is to load beside Gradio's scripts.
    """

    def __init__(self, app: ASGIApp, skeletons: dict[str, str], link: str) -> None:
        self.app = app
        self.skeletons = skeletons
        self.link = link

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "GET" or page_path(scope) != "/":
            return await self.app(scope, receive, send)
        messages = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        start = next(each for each in messages if each["type"] == "http.response.start")
        body = b"".join(each.get("body", b"") for each in messages)
        if LOGIN not in body:
            language = Headers(scope=scope).get("accept-language", "")[:2]
            skeleton = self.skeletons.get(language, next(iter(self.skeletons.values()))).encode()
            above = skeleton + b"".join(STYLE_SHEET.findall(body))
            body = STYLE_SHEET.sub(b"", body).replace(PAGE, above + PAGE, 1)
        response = Response(body, start["status"], {"link": self.link})
        response.raw_headers += [pair for pair in start["headers"] if pair[0] != b"content-length"]
        await GZipMiddleware(response)(scope, receive, send)
