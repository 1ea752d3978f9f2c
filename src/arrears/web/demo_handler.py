"""The demo's world, as its pages see it, and the pages' way to it. Only `arrears demo` serves them: no other program
loads `web/demo_*.py`, or has their addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import wraps
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from arrears.notices import values
from arrears.web.languages import language_now
from arrears.web.outbox import asked_here


class DemoWorld(Protocol):
    """One customer's story, and time, which passes here only as fast as somebody wants."""

    account: int
    """Whose story is told now."""
    moved_from: datetime
    """Where the clock stood before it was last moved."""
    zone: str

    password: str
    """What the customer signs in with, for who is asked for it once more before a change."""
    year_under_way: Callable[[], bool]
    """Whether a made-up year is being played beside the story, which is told in the terminal."""

    def now(self) -> datetime:
        """What time it is in this world."""

    def pass_to(self, day: date) -> None:
        """Let time pass up to ten o'clock of this local day, all that is due on the way on its own day. A day that has
        come already changes nothing."""

    def begin_anew(self, language: str) -> None:
        """Tell the story of another customer, who speaks this language, from the day on which a card is declined."""

    def service_runs(self) -> bool:
        """Whether the process of the service is there."""

    def stop_service(self) -> None:
        """End the process of the service, as a machine that is switched off would."""

    def start_service(self) -> None:
        """Start it again; what it was ordered meanwhile it is told now."""

    def staff_view(self) -> Sequence[tuple[str, Sequence[str]]]:
        """What staff see of the account: commands, each with the lines that it prints."""


class Served:
    """The world, as templates show it on every page."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world

    def when(self) -> str:
        """The day and minute in this world, in the language of the page."""
        return values.moment(self._world.now(), self._world.zone, values.formats_of(language_now()))

    def password(self) -> str:
        """What the customer of this world signs in with: who came in by the story's button was never told it."""
        return self._world.password

    def place(self) -> str:
        """Where that time is."""
        return values.place(self._world.zone, values.formats_of(language_now()))


class DemoPages(WSGIHandler):
    """All pages, and the demo's own before them."""

    def __init__(self, world: DemoWorld) -> None:
        super().__init__()
        self._world = world

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with the demo's addresses, and with the world for whoever shows it."""
        request.urlconf = "arrears.web.demo_urls"
        request.world = self._world  # type: ignore[attr-defined]
        request.demo = Served(self._world)  # type: ignore[attr-defined]
        return super().get_response(request)


def demo_page(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that is handed the world. For browsers on this machine alone: it shows links that are a customer's."""

    @wraps(page)
    def answered(request: HttpRequest, **more: Any) -> HttpResponse:
        if not asked_here(request):
            raise Http404
        return page(request, request.world, **more)  # type: ignore[attr-defined]

    return answered


def today(world: DemoWorld) -> date:
    """The local day of this world."""
    return world.now().astimezone(ZoneInfo(world.zone)).date()
