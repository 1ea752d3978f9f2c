"""Passkeys, in a real browser with an authenticator of its own: added, used, renamed, removed; and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from tests.site import PASSWORD, using
from tests.web import entrance
from tests.web.entrance import Entrance, come_in
from tests.web.living import served


@pytest.fixture(scope="module")
def house(site: str) -> Iterator[Entrance]:
    found = Entrance(site)
    yield found
    found.close()


@pytest.fixture(scope="module")
def url(house: Entrance) -> Iterator[str]:
    """A passkey belongs to a name, and a browser takes none for an address in figures."""
    with served() as port:
        yield f"http://localhost:{port}"


class Visitor:
    """Somebody at a browser that has an authenticator; what goes wrong in its pages is kept."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url, self.page, self.wrong = context, url, context.new_page(), list[str]()
        self.page.on("console", self.hears)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.wire = context.new_cdp_session(self.page)
        self.wire.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.authenticator = self.wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def hears(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.wrong.append(said.text)

    def is_signed_in(self, person: int) -> None:
        client = entrance.browser()
        come_in(client, person)
        cookie: Any = {"name": "session", "value": client.cookies["session"].value, "url": self.url}
        self.context.add_cookies([cookie])

    def is_signed_out(self) -> None:
        self.context.clear_cookies()

    def goes(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def adds_a_passkey(self, name: str) -> None:
        page = self.goes("/security/passkeys/new")
        page.get_by_label("What is it called?").fill(name)
        page.get_by_role("button", name="Add a passkey").click()
        expect(page).to_have_url(f"{self.url}/security/codes")


@pytest.fixture
def visitor(browser: Browser, url: str) -> Iterator[Visitor]:
    with browser.new_context(locale="en-GB") as context:
        yield Visitor(context, url)


@pytest.mark.turn(2)
def test_a_passkey_alone_lets_in_and_comes_back_to_where_one_was(house: Entrance, visitor: Visitor) -> None:
    number, person, email = house.account()
    visitor.is_signed_in(person)
    visitor.adds_a_passkey("Laptop")
    assert ["passkey was added" in message.subject for message in house.mail() if message.to == email] == [True]
    page = visitor.goes("/security")
    expect(page.get_by_text("Laptop").first).to_be_visible()
    visitor.is_signed_out()
    page = visitor.goes(f"/acc_{number}/invoices")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{visitor.url}/acc_{number}/invoices")
    assert visitor.wrong == [], "the content policy lets our scripts run, and nothing else was tried"


@pytest.mark.turn(2)
@pytest.mark.turn(2)
def test_at_an_address_in_figures_the_page_says_why_there_are_no_passkeys(house: Entrance, browser: Browser) -> None:
    """Where the operator's site has no name: a browser with an authenticator is offered none, and told what works."""
    _, person, _ = house.account()
    with served() as port, using(base_url=f"http://127.0.0.1:{port}"), browser.new_context(locale="en-GB") as context:
        visitor = Visitor(context, f"http://127.0.0.1:{port}")
        visitor.is_signed_in(person)
        page = visitor.goes("/security/passkeys/new")
        expect(page.get_by_text("Passkeys do not work here")).to_be_visible()
        expect(page.get_by_text("An authenticator app does work here")).to_be_visible()
        expect(page.get_by_role("button", name="Add a passkey")).to_have_count(0)
        visitor.is_signed_out()
        expect(visitor.goes("/sign-in").get_by_role("button", name="Use a passkey")).to_have_count(0)
        assert visitor.wrong == []


@pytest.mark.turn(2)
def test_after_the_password_a_passkey_is_the_second_step(house: Entrance, visitor: Visitor) -> None:
    _, person, email = house.account()
    visitor.is_signed_in(person)
    visitor.adds_a_passkey("Phone")
    visitor.is_signed_out()
    page = visitor.goes("/sign-in?next=/security")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{visitor.url}/sign-in/second-step")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{visitor.url}/security")
    assert visitor.wrong == []


@pytest.mark.turn(2)
def test_a_passkey_proves_again_who_one_is_is_renamed_and_removed(house: Entrance, visitor: Visitor) -> None:
    _, person, _ = house.account()
    visitor.is_signed_in(person)
    visitor.adds_a_passkey("Laptop")
    page = visitor.goes("/sign-in/again/passkey?next=/security")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{visitor.url}/security")
    page.get_by_role("link", name="Rename Laptop").click()
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{visitor.url}/security")
    page.get_by_role("link", name="Remove Old laptop").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("Old laptop")).to_have_count(0)
    assert ["passkey was removed" in message.subject for message in house.mail()][-1:] == [True]
    visitor.is_signed_out()
    page = visitor.goes("/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")


def test_a_passkey_of_somebody_else_or_a_refusal_changes_nothing(house: Entrance, visitor: Visitor) -> None:
    _, person, _ = house.account()
    _, other, _ = house.account()
    visitor.is_signed_in(person)
    visitor.adds_a_passkey("Laptop")
    [(key,)] = house.rows("SELECT id FROM mfa_authenticator WHERE user_id = %s AND type = 'webauthn'", person)
    outsider = browser_of(other)
    for path in (f"/security/passkeys/{key}", f"/security/passkeys/{key}/remove"):
        assert outsider.post(path, {"name": "mine"}).status_code == 404
    visitor.wire.send("WebAuthn.setUserVerified", {"authenticatorId": visitor.authenticator, "isUserVerified": False})
    visitor.is_signed_out()
    page = visitor.goes("/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The passkey was not used")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_enabled()


def browser_of(person: int) -> Any:
    client = entrance.browser()
    come_in(client, person)
    return client


def test_without_scripts_everything_but_passkeys_is_there(browser: Browser, house: Entrance, url: str) -> None:
    _, _, email = house.account()
    with browser.new_context(locale="en-GB", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{url}/sign-in?next=/security")
        expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(f"{url}/security")
        page.get_by_role("link", name="Add a passkey").click()
        expect(page.get_by_text("An authenticator app works everywhere")).to_be_visible()
        page.goto(f"{url}/security/app")
        expect(page.locator("img.qr")).to_be_visible()


MADE_UP = (
    "{}",
    "[]",
    '"text"',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": 1, "rawId": [], "type": null, "response": {"clientDataJSON": "e30", "attestationObject": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": '
    '{"clientDataJSON": "AA", "attestationObject": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"authenticatorData": "' + "A" * 60 + '", "signature": "AA", "userHandle": "_w"}}',
)


@pytest.mark.parametrize("path", ["/security/passkeys/new", "/sign-in/again/passkey", "/sign-in/passkey"])
def test_what_no_browser_makes_is_a_wrong_passkey_and_no_mistake_of_ours(house: Entrance, path: str) -> None:
    """Also without having opened the page first, and a second time."""
    _, person, _ = house.account()
    client = entrance.browser() if path == "/sign-in/passkey" else browser_of(person)
    for credential in (*MADE_UP, *MADE_UP):
        answer = client.post(path, {"credential": credential, "name": "x"})
        assert answer.status_code in (200, 302, 403, 429), credential
