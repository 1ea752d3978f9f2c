"""The sandbox as an ASGI application: the wire, the pages, and the control by which tests give it bad days."""

from __future__ import annotations

import traceback

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from arrears.sandbox.control import answer
from arrears.sandbox.server import Sandbox


def app(sandbox: Sandbox) -> Starlette:
    """Everything that this sandbox answers, at its address."""

    async def control(request: Request) -> Response:
        return await answer(sandbox, request)

    async def mistaken(_: Request, error: Exception) -> Response:
        sandbox.mistakes.append("".join(traceback.format_exception(error)))
        return PlainTextResponse("The sandbox has made a mistake; it is told when it ends.", 500)

    return Starlette(
        routes=[
            Route("/v1/{path:path}", sandbox.wire, methods=["GET", "POST"]),
            Route("/pay/challenge/{intent}", sandbox.challenge, methods=["GET", "POST"]),
            Route("/pay/{session}", sandbox.page, methods=["GET", "POST"]),
            Route("/sandbox/{what}", control, methods=["GET", "POST"]),
        ],
        exception_handlers={Exception: mistaken},
    )
