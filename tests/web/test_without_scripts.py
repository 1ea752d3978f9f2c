"""Every form works without scripts: it is plain HTML, and a browser that runs none gets as far as one that does.

Forms are found on the pages themselves, in every state, so that one that is added later is driven too.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Final, NamedTuple
from urllib.parse import quote_plus, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request
from tests.sizes import ALL, few
from tests.web import states
from tests.web.states import Town
from tests.web.test_axe import Sight, context_of, sights
from tests.web.visitors import forget_sessions, visitor

from arrears import wiring
from arrears.engine.payments.providers import Providers
from arrears.sandbox.run import Running

SAMPLE: Final = 3
"""So many forms are driven in `make test`, twice each; all of them in `make test-all`."""

SECONDS_MAX: Final = 60.0
TRIES_MAX: Final = 5
ONCE: Final = str(("/pay/", "", ""))
"""The provider opens one page for one attempt and no second for the other copy: without scripts it is reached."""

AWAY: Final = ("the provider's page", "")
TYPED: Final = {"email": "somebody@example.org", "password": "not the right one"}
SAID: Final = "Somebody who is not here any more has paid this."
CODE: Final = "123456"
PART: Final = "1"


class Form(NamedTuple):
    """One button of a form: where it stands, and what it is called there."""

    sight: Sight
    action: str
    name: str
    value: str
    place: tuple[int, int]
    """Which form of the page, and which of its buttons."""

    @property
    def kind(self) -> tuple[str, str, str]:
        """What makes it another form than the others: numbers of accounts, quotes and methods do not."""
        value = "" if re.search(r"\d", self.value) else self.value
        return re.sub(r"\d+(-\d+)*|/address/.*", "N", self.action), self.name, value


class Markup(HTMLParser):
    """The forms and buttons of a page, and what only scripts could do."""

    def __init__(self, sight: Sight, page: str) -> None:
        super().__init__()
        self.sight, self.forms, self.wrong = sight, list[Form](), list[str]()
        self._form: dict[str, str] | None = None
        self._token = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.wrong += [f"{self.sight}: <{tag} {name}> needs a script" for name in found if name.startswith("on")]
        if tag == "a" and not found.get("href", "").startswith(("/", "./", "#main", "?", "http", "mailto:")):
            self.wrong.append(f"{self.sight}: <a href={found.get('href')!r}> leads nowhere")
        if tag == "form":
            self._form, self._token, self._buttons = found, False, 0
            self._count += 1
        elif tag == "input":
            self._token |= found.get("name") == "csrfmiddlewaretoken"
        elif tag == "button":
            self._button(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            posts = self._form.get("method", "get").lower() == "post"
            if posts and not self._token:
                self.wrong.append(f"{self.sight}: a form without our token")
            if not self._buttons and "data-passkey" not in self._form:
                self.wrong.append(f"{self.sight}: a form that only a script could send")
            self._form = None

    def _button(self, found: dict[str, str]) -> None:
        if "disabled" in found or "data-passkey" in (self._form or {}):
            self._buttons += 1  # it says what somebody else can do; or asks the device, which only a script can
            return
        if self._form is None or found.get("type", "submit") != "submit":
            self.wrong.append(f"{self.sight}: a button that only a script could use")
            return
        self._buttons += 1
        action = self._form.get("action") or self.sight.path
        ajax = self._form.get("hx-post")
        if ajax is not None and (ajax or self.sight.path) != action:
            self.wrong.append(f"{self.sight}: with scripts the form goes to {ajax}, without to {action}")
        if self._form.get("method", "get").lower() == "post":
            # What only asks for a page is as plain as a link.
            self.forms.append(Form(self.sight, action, found.get("name", ""), found.get("value", ""), self._place))

    @property
    def _place(self) -> tuple[int, int]:
        return self._count - 1, self._buttons - 1

    _buttons = _count = 0


def pages(town: Town) -> Iterator[Markup]:
    """Every page that can be looked at, taken apart; in `make test` those of as many states as their seed chooses."""
    others = sorted({sight.state for sight in sights(town)} - {"warned", "error"})
    chosen = {"warned", "error", *random.sample(others, few(len(others) // 2, len(others)))}
    for sight in sights(town):
        if sight.language == "en" and sight.state in chosen:
            account = town.accounts.get(sight.state, town.accounts["warned"])
            answer = visitor(town, sight.role, account).get(sight.path)
            if answer.status_code not in (301, 302, 303):
                yield Markup(sight, answer.content.decode())


@pytest.fixture(scope="module")
def every_page(built_town: Town, database_url: str, bank: Running) -> list[Markup]:
    with states.copied(database_url, built_town, bank) as town:
        return list(pages(town))


def test_every_form_and_link_is_plain_html(every_page: list[Markup]) -> None:
    wrong, count = [], 0
    for page in every_page:
        wrong += page.wrong
        count += len(page.forms)
    assert count > 100
    assert not wrong, "\n".join(wrong)


def forms(every_page: list[Markup]) -> list[list[Form]]:
    """Every kind of form, wherever it stands, in an order that the seed of the run chooses. What stands on few pages
    comes first: another form may pay or end what it is about."""
    found: dict[tuple[str, str, str], list[Form]] = {}
    for page in every_page:
        for form in page.forms:
            found.setdefault(form.kind, []).append(form)
    return [random.sample(same, len(same)) for _kind, same in sorted(found.items(), key=rare)]


def rare(kind: tuple[tuple[str, str, str], list[Form]]) -> tuple[int, tuple[str, str, str]]:
    return len(kind[1]), kind[0]


@pytest.mark.turn(3)
def test_a_browser_without_scripts_gets_as_far_as_one_with_them(
    every_page: list[Markup], built_town: Town, database_url: str, bank: Running, browser: Browser
) -> None:
    reached: list[dict[str, tuple[str, str]]] = []
    every = forms(every_page)
    chosen = every if ALL else random.sample(every, SAMPLE)
    for scripts in (False, True):
        found = {}
        for same in chosen:
            # A copy each, so that what the one has done is not there for the other.
            with states.copied(database_url, built_town, bank) as town:
                # To the provider, which both share, they ask the same: nobody comes back from its page here.
                nowhere = Providers(town.shop.providers.by_name, "http://127.0.0.1:9")
                wiring.install(replace(town.shop.live, providers=nowhere))
                found[str(same[0].kind)] = driven(town, browser, same, scripts=scripts)
        reached.append(found)
    without, with_scripts = reached
    wrong = [
        f"{kind}: without scripts to {there}, with scripts to {with_scripts[kind]}"
        for kind, there in without.items()
        if there != (AWAY if kind == ONCE else with_scripts[kind])
    ]
    assert not wrong, "\n".join(wrong)


def driven(town: Town, browser: Browser, same: list[Form], *, scripts: bool) -> tuple[str, str]:
    """Where sending the form leads: path and heading. What was sent before may have taken it off a page; then it is
    sent from the next on which it stands."""
    for form in same[:TRIES_MAX]:
        forget_sessions()
        account = town.accounts.get(form.sight.state, town.accounts["warned"])
        context = context_of(browser, town, form.sight.role, account, "en", java_script_enabled=scripts)
        page = context.new_page()
        page.goto(f"{town.shop.url}{form.sight.path}")
        there = [one.place for one in Markup(form.sight, page.content()).forms if one.kind == form.kind]
        found = sent(page, there[0], form.value, town.shop.sandbox.url) if there else None
        context.close()
        if found is not None:
            return found
    raise AssertionError(f"{same[0].kind} stands on none of {len(same)} pages any more")


def sent(page: Page, place: tuple[int, int], value: str, provider: str) -> tuple[str, str]:
    """Fill in the form as a person would, and press its button. Where that leads on to the provider's page, a browser
    with scripts goes by itself, and one without has a link."""
    closed = page.locator("details:not([open]) > summary:visible")
    while closed.count():
        closed.first.click()
    box = page.locator("form").nth(place[0])
    for field in box.locator("input[type=email]:not([hidden]), input[type=password]").all():
        field.fill(TYPED[field.get_attribute("type") or "email"])
    for field in box.locator("textarea").all():
        field.fill(SAID)
    for field in box.locator("input:required:not([type])").all():
        field.fill(CODE)
    if value == "part":
        box.locator('input[inputmode="decimal"]').first.fill(PART)
    for choice in box.locator("input[type=radio]:enabled, input[type=checkbox]").all()[:1]:
        choice.check()
    arrived: list[str] = []
    page.on("domcontentloaded", lambda page: arrived.append(page.url))
    page.on("request", lambda request: arrived.append(request.url) if request.url.startswith(provider) else None)

    def ours(request: Request) -> bool:
        """A page that looks again by itself sends another form of its own meanwhile."""
        return request.method == "POST" and quote_plus(value) in (request.post_data or "")

    with page.expect_response(lambda answer: ours(answer.request), timeout=1000 * SECONDS_MAX) as answer:
        box.locator("button").nth(place[1]).click(no_wait_after=True)
    if answer.value.request.is_navigation_request() or "hx-redirect" in answer.value.headers:
        until(page, lambda: bool(arrived))
    found = settled(page)
    onward = page.locator(f'a[href^="{provider}"]')
    if onward.count():
        onward.first.click(no_wait_after=True)
        until(page, lambda: any(url.startswith(provider) for url in arrived))
    return AWAY if any(url.startswith(provider) for url in arrived) else found


def until(page: Page, so: Callable[[], bool]) -> None:
    """Wait until this is so, on however busy a machine, and no longer than a minute."""
    deadline = time.monotonic() + SECONDS_MAX
    while not so() and time.monotonic() < deadline:
        page.wait_for_timeout(20)


def settled(page: Page) -> tuple[str, str]:
    """Path and heading once they stay."""
    deadline, before = time.monotonic() + SECONDS_MAX, ("", "")
    while time.monotonic() < deadline:
        page.wait_for_load_state("load")
        heading = page.locator("h1").first.text_content() or ""
        now = (re.sub(r"\d+", "N", urlsplit(page.url).path), heading)
        if now == before:
            break
        before = now
        page.wait_for_timeout(150)
    return before
