"""Something to look at in the page's first answer, where Gradio's is empty until it has loaded."""

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.middleware import page_path

# Browsers show nothing before a style sheet that is named above it.
STYLE_SHEET = re.compile(b'<link rel="stylesheet"[^>]*>')
PAGE = b"<gradio-app"
LOGIN = b'"auth_required":true'


class SkeletonMiddleware:
    """ASGI middleware that puts a skeleton before Gradio's page, and sends both gzipped.

    `skeletons` has one for each language, by its first letters; others read the first of them.
    """

    def __init__(self, app: ASGIApp, skeletons: dict[str, str]) -> None:
        self.app = app
        self.skeletons = skeletons

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "GET" or page_path(scope) != "/":
            return await self.app(scope, receive, send)
        messages = []

        async def keep(message: Message) -> None:
            messages.append(message)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await send({**start, "headers": [*headers, (b"content-length", b"%d" % len(body))]})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, keep)
        start = next(each for each in messages if each["type"] == "http.response.start")
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        body = b"".join(each.get("body", b"") for each in messages)
        if LOGIN not in body:
            language = dict(scope["headers"]).get(b"accept-language", b"")[:2].decode("latin-1")
            skeleton = self.skeletons.get(language, next(iter(self.skeletons.values()))).encode()
            above = skeleton + b"".join(STYLE_SHEET.findall(body))
            body = STYLE_SHEET.sub(b"", body).replace(PAGE, above + PAGE, 1)
        await GZipMiddleware(answer)(scope, receive, send)
