"""Every page as a screen reader, a keyboard, a phone or a dark room meets it: axe finds nothing (WCAG 2.2 AA).

Every page in every state, in both languages, on a phone and a desktop, light and dark. `make test` takes a sample that
the seed of the run chooses; `make test-all` takes all. The page's own content security policy stays in force: axe is
put in by the browser's tools, not by the page.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.sizes import ALL
from tests.web.routes import of_an_account, parts, routes, target
from tests.web.states import RECIPES, Town
from tests.web.visitors import visitor

from arrears import wiring
from arrears.adapters.channels.folder import FolderChannel

SAMPLE: Final = 8
"""So many pages in `make test`, each of another route and looked at in one of the eight ways: about a second each."""

AXE: Final = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN: Final = f"""async () => {{
    const how = {{runOnly: {TAGS}, preload: false, iframes: false, resultTypes: ["violations"]}};
    const found = await axe.run(document, how);
    return found.violations.map(one => one.id + " at " + one.nodes.map(node => node.target.join(" ")).join(", "));
}}"""
"""No script runs in the frame that shows a mail, axe neither: to ask it for its findings would be an error there."""

SIZES: Final = {"phone": {"width": 320, "height": 640}, "desktop": {"width": 1280, "height": 800}}

# Routes that show no page, and what they are instead.
NO_PAGE: Final = {
    "/sign-out": "only a form goes there",
    "/console/sign-out": "only a form goes there",
    "/language": "only a form goes there",
    "/favicon.ico": "a picture",
    "/banner.js": "a script, for other people's pages",
    "/assets/<asset>": "style sheets, scripts and a logo",
    "/outbox/<str:name>/html": "a mail, as it was sent; shown inside its page",
    "/pay/<str:token>": "leads on to /pay/, or to the page of a link that is over",
    "/settle/<str:account>": "leads on to the page where one pays",
    "/<account:account>/invoices.csv": "a table for a spreadsheet",
    "/<account:account>/statement.csv": "a table for a spreadsheet",
    "/<account:account>/statement.pdf": "a PDF, whose tags tests/notices/test_paper.py reads",
    "/<account:account>/receipts/<int:number>.pdf": "the same",
    "/<account:account>/invoices/<int:number>.pdf": "the same",
    "/<account:account>/invoices/<int:number>/credits/<int:place>.pdf": "the same",
    "/settle/<str:account>/<int:attempt>": "leads on to the story of a payment",
    "/security/app/picture.svg": "a picture, shown inside its page",
    "/console/second-step/picture.svg": "the same",
    "/webhooks/<slug:provider>": "for programs",
    "/webhooks/mail/<slug:provider>": "for programs",
    "/webhooks/services/<str:service>": "for programs",
}
ROLES: Final = {"/": "administrator", "/pay/": "link", "/sign-in/again": "administrator"}
"""Who looks at a page that belongs to no account, where it is not just anybody."""


class Sight(NamedTuple):
    """A page to look at: by whom, where, in which state, in which language."""

    role: str
    path: str
    state: str
    language: str

    def __str__(self) -> str:
        return f"{self.path} as {self.role}, {self.state}, {self.language}"


def sights(town: Town) -> Iterator[Sight]:
    """Every page in every state in which it is there."""
    for language in ("en", "nl"):
        for route in routes():
            if route in NO_PAGE or route.startswith("/v1/"):
                continue
            if of_an_account(route):
                for state, account in town.accounts.items():
                    if state == "canary" or ("number" in parts(route) and not town.setup(account)):
                        continue
                    if "attempts" in parts(route) and not town.attempts(account):
                        continue
                    roles = {"administrator": "administrator", "billing_reader": "reader"}
                    for role in RECIPES[state].roles if state in ("warned", "canceled") else RECIPES[state].roles[:1]:
                        yield Sight(roles[role], target(town, route, account), state, language)
            elif route.startswith("/console/") and "sign-in" not in route:
                for state in ("warned", "declined", "canceled") if "account" in parts(route) else ("warned",):
                    yield Sight("staff", target(town, route, town.accounts[state]), state, language)
            elif route == "/pay/":
                for state, account in town.accounts.items():
                    if account in town.links:
                        yield Sight("link", route, state, language)
            else:
                account = town.accounts["warned"]
                yield Sight(
                    "administrator" if route.startswith("/security") else ROLES.get(route, "anonymous"),
                    target(town, route, account),
                    "warned",
                    language,
                )
        for path in ("/nothing-here", "/pay/nothing", "/address/nothing", "/pay/", f"/acc_{town.accounts['canary']}/"):
            yield Sight("anonymous" if path.startswith(("/pay", "/ad")) else "administrator", path, "error", language)


@pytest.fixture(scope="module")
def outbox(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mail that was kept, so that the outbox has pages too."""
    folder = tmp_path_factory.mktemp("outbox")
    channel = FolderChannel(folder)
    wiring.install(replace(town.shop.live, channel=channel))
    for message in town.mails:
        channel.send(message)
    yield folder
    wiring.install(town.shop.live)


def context_of(browser: Browser, town: Town, role: str, account: int, language: str, **more: Any) -> BrowserContext:
    """A browser's window in which this role is in already."""
    context = browser.new_context(locale=language, **more)
    cookies = {name: morsel.value for name, morsel in visitor(town, role, account).cookies.items()}
    every = [{"name": n, "value": v, "url": town.shop.url} for n, v in {**cookies, "language": language}.items()]
    context.add_cookies(every)  # type: ignore[arg-type]
    # Pages that lead on to the provider stay where they are.
    context.route(f"{town.shop.sandbox.url}/**", lambda route: route.fulfill(status=204))
    return context


def looked_at(page: Page, town: Town, sight: Sight, size: str, scheme: str) -> list[str]:
    """What is wrong with the page that is open, in one of its dresses."""
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = list(page.evaluate(RUN))
    return [f"{sight}, {size}, {scheme}: {one}" for one in found]


@pytest.mark.turn(3)
def test_axe_finds_nothing_and_nothing_is_loaded_from_elsewhere(town: Town, outbox: Path, browser: Browser) -> None:
    every = list(sights(town))
    dresses = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    chosen = every if ALL else [random.choice(group) for group in random.sample(by_route(town, every), SAMPLE)]
    wrong: list[str] = []
    for sight in chosen:
        account = town.accounts.get(sight.state, town.accounts["warned"])
        context = context_of(browser, town, sight.role, account, sight.language)
        asked: list[str] = []
        said: list[str] = []
        page = context.new_page()
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto(f"{town.shop.url}{sight.path}")
        for size, scheme in dresses if ALL else [random.choice(dresses)]:
            wrong += looked_at(page, town, sight, size, scheme)
        wrong += [f"{sight}: asks {url}" for url in asked if not url.startswith(town.shop.url)]
        wrong += [f"{sight}: the browser says {text}" for text in said if "status of 4" not in text]
        context.close()
    assert not wrong, "\n".join(wrong)


def by_route(town: Town, every: list[Sight]) -> list[list[Sight]]:
    """The sights of each page together, whatever the account."""
    groups: dict[str, list[Sight]] = {}
    for sight in every:
        page = "error" if sight.state == "error" else "/".join(p for p in sight.path.split("/") if not p[-1:].isdigit())
        groups.setdefault(page, []).append(sight)
    return list(groups.values())
