"""The sandbox as an ASGI application: the wire, the pages, and the control by which tests give it bad days."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arrears.sandbox.control import answer
from arrears.sandbox.server import Sandbox


def app(sandbox: Sandbox) -> Starlette:
    """Everything that this sandbox answers, at its address."""

    async def control(request: Request) -> Response:
        return await answer(sandbox, request)

    return Starlette(
        routes=[
            Route("/v1/{path:path}", sandbox.wire, methods=["GET", "POST"]),
            Route("/pay/challenge/{intent}", sandbox.challenge, methods=["GET", "POST"]),
            Route("/pay/{session}", sandbox.page, methods=["GET", "POST"]),
            Route("/sandbox/{what}", control, methods=["GET", "POST"]),
        ]
    )
