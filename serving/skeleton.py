"""Something to look at in the page's first answer, where Gradio's is empty until it has loaded."""

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Browsers show nothing before a style sheet that is named above it.
STYLE_SHEET = re.compile(b'<link rel="stylesheet"[^>]*>')
PAGE = b"<gradio-app"
LOGIN = b'"auth_required":true'


class SkeletonMiddleware:
    """ASGI middleware that puts a skeleton before Gradio's page, and sends both gzipped.

    There is one for readers of English and one for readers of Chinese.
    """

    def __init__(self, app: ASGIApp, english: str, chinese: str) -> None:
        self.app = app
        self.english, self.chinese = english, chinese

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope.get("method") != "GET" or path != "/":
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
            body = self._with_skeleton(body, dict(scope["headers"]).get(b"accept-language", b""))
        await GZipMiddleware(answer)(scope, receive, send)

    def _with_skeleton(self, page: bytes, languages: bytes) -> bytes:
        skeleton = self.chinese if languages.startswith(b"zh") else self.english
        sheets = b"".join(STYLE_SHEET.findall(page))
        return STYLE_SHEET.sub(b"", page).replace(PAGE, skeleton.encode() + sheets + PAGE, 1)
