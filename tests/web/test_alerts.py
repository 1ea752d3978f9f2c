"""Alerts over the API and in the banner of somebody else's portal."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.site import using
from tests.store.contract import wait_until
from tests.web.living import Living, living

from arrears.core.errors import Refused
from arrears.engine.booking import Payment
from arrears.engine.commands import record_payments
from arrears.sandbox.run import Running, running
from arrears.settings import read

if TYPE_CHECKING:
    from django.test import Client

PORTALS = "https://portal.example.org, http://localhost:81"
PORTAL_CSP = (
    "default-src 'none'; script-src {arrears} 'nonce-portal'; connect-src {arrears}; require-trusted-types-for 'script'"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


@pytest.fixture
def token(shop: Living) -> str:
    from arrears.web import api_tokens

    return api_tokens.create_token("portal", "read", shop.clock.now())


def ask(client: Client, account: int, token: str, **headers: str) -> Any:
    return client.get(f"/v1/accounts/acc_{account}/alerts", headers={"Authorization": f"Bearer {token}", **headers})


def mint(client: Client, account: int, token: str) -> Any:
    return client.post(
        f"/v1/accounts/acc_{account}/banner-token",
        "{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def mint_over_http(url: str, account: int, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/accounts/acc_{account}/banner-token", b"{}", headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["token"])


def test_alerts_say_sum_date_and_where_to_pay_in_the_language_asked_for(
    shop: Living, client: Client, token: str
) -> None:
    account = shop.account((12000, "EUR"), (500, "USD"), days=40)
    found = ask(client, account, token, **{"Accept-Language": "nl"}).json()
    assert found["language"] == "nl"
    told = {one["level"]: one for one in found["alerts"]}
    assert list(told) == ["stopped", "past_due", "confirm_address"]
    assert [one["service"] for one in found["alerts"]] == ["cloud", "mail", None, None]
    assert told["past_due"]["title"].replace("\u00a0", " ") == "Nog te betalen: € 120,00 en US$ 5,00"
    assert told["past_due"]["settle_url"] == f"{shop.url}/settle/acc_{account}"
    assert [s["amount_minor"] for s in told["past_due"]["sums"]] == [12000, 500]
    english = client.get(
        f"/v1/accounts/acc_{account}/alerts?lang=en", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert english["alerts"][2]["title"] == "Still unpaid: €120.00 and US$5.00"


def test_a_banner_token_opens_this_route_of_this_account_for_a_quarter_of_an_hour(
    shop: Living, client: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = shop.account((12000, "EUR")), shop.account((900, "EUR"))
    banner = mint(client, account, token).json()["token"]
    assert ask(client, account, banner).status_code == 200
    assert ask(client, other, banner).status_code == 404
    assert ask(client, 999_999_999, banner).status_code == 404
    for path in (f"accounts/acc_{account}/settlement", "me", f"accounts/acc_{account}/payment-methods"):
        assert client.get(f"/v1/{path}", headers={"Authorization": f"Bearer {banner}"}).status_code == 401
    assert mint(client, account, banner).status_code == 401
    assert ask(client, account, f"{banner}x").status_code == 401
    from django.core import signing

    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 16 * 60)
    assert ask(client, account, banner).status_code == 401


@pytest.fixture
def portals() -> Iterator[None]:
    with using(portal_origins=read({"ARREARS_PORTAL_ORIGINS": PORTALS}).portal_origins):
        yield


def test_only_the_operators_portals_may_read_it_from_a_browser(
    shop: Living, client: Client, token: str, portals: None
) -> None:
    account = shop.account((12000, "EUR"))
    path = f"/v1/accounts/acc_{account}/alerts"
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    good = client.options(path, headers={"Origin": "https://portal.example.org", **preflight})
    assert (good.status_code, good["Access-Control-Allow-Origin"]) == (204, "https://portal.example.org")
    assert (good["Access-Control-Allow-Headers"], good["Vary"]) == ("Authorization", "Origin")
    for origin in ("https://portal.example.org.evil.example", "https://PORTAL.example.org", "null", "http://localhost"):
        bad = client.options(path, headers={"Origin": origin, **preflight})
        assert "Access-Control-Allow-Origin" not in bad
        assert "Access-Control-Allow-Origin" not in ask(client, account, token, Origin=origin)
    assert "Access-Control-Allow-Origin" not in client.get("/", headers={"Origin": "https://portal.example.org"})
    for text in ("*", "portal.example.org", "https://portal.example.org/", "https://*.example.org"):
        with pytest.raises(Refused, match="is not an origin"):
            read({"ARREARS_PORTAL_ORIGINS": text})


def test_the_banner_is_small_and_asks_nobody_else(client: Client, shop: Living) -> None:
    answer = client.get("/banner.js")
    assert len(answer.content) < 10_000
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    text = answer.content.decode()
    assert "http" not in text.replace("https?:", "")
    assert "innerHTML" not in text


@contextmanager
def portal(arrears: str, account: int, language: str = "nl") -> Iterator[tuple[str, dict[str, str]]]:
    """A portal of somebody else, on an origin of its own, with a strict content security policy."""
    state = {"token": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (
                f'<!doctype html><html lang="{language}"><head><title>Portal</title>'
                f'<script src="{arrears}/banner.js" defer>'
                "</script></head><body><main><h1>Portal</h1>"
                f'<arrears-alerts account="acc_{account}" token="{state["token"]}"></arrears-alerts></main>'
                '<script nonce="portal">addEventListener("arrears-token-needed", () => window.asked = true)</script>'
                "</body></html>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", PORTAL_CSP.format(arrears=arrears))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests read pages, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_banner_in_a_strict_portal(shop: Living, browser: Browser, token: str) -> None:
    account = shop.account((12000, "EUR"), days=25)
    with portal(shop.url, account) as (url, state), using(portal_origins=frozenset({url})):
        state["token"] = mint_over_http(shop.url, account, token)
        page = browser.new_page(viewport={"width": 375, "height": 500}, locale="nl")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(url)
        banner = page.locator("arrears-alerts")
        banner.get_by_text("cloud stopt op").wait_for()
        expect(banner.get_by_role("region", name="Betalingsmeldingen")).to_contain_text("€ 120,00")
        expect(banner.get_by_role("alert")).to_have_count(2)
        expect(banner.get_by_role("link")).to_have_attribute("href", f"{shop.url}/settle/acc_{account}")
        if os.environ.get("ARREARS_PICTURES"):
            page.screenshot(path=f"{os.environ['ARREARS_PICTURES']}/banner.png")
        page.evaluate("document.documentElement.lang = 'en'")
        banner.get_by_text("cloud will stop on").wait_for()
        page.evaluate("document.querySelector('arrears-alerts').setAttribute('token', 'too-old')")
        # Not `wait_for_function`: what it asks again and again in the page is against the portal's own rules.
        wait_until(lambda: page.evaluate("Boolean(window.asked)"))
        expect(banner.get_by_role("region"), "what was shown last stays").to_contain_text("cloud will stop on")
        record_payments(shop.store, [Payment(account, f"b-{account}", "EUR", 12000)], shop.clock.now(), "api:1")
        fresh = mint_over_http(shop.url, account, token)
        page.evaluate(f"document.querySelector('arrears-alerts').setAttribute('token', '{fresh}')")
        banner.get_by_text("cloud will stop on").wait_for(state="detached")
        expect(banner.get_by_role("alert")).to_have_count(0)
        assert [line for line in said if "401" not in line] == []


def counted(page: Page, path: str) -> list[str]:
    """The requests of a page to this path, as they come."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.method) if path in request.url else None)
    return found


def test_a_token_that_is_no_good_is_asked_with_once_and_others_ever_more_slowly(shop: Living, browser: Browser) -> None:
    account = shop.account((12000, "EUR"))
    with portal(shop.url, account) as (url, state), using(portal_origins=frozenset({url})):
        state["token"] = "bad"
        page = browser.new_page()
        page.clock.install()
        asked = counted(page, "/alerts?lang")
        page.goto(url)
        wait_until(lambda: page.evaluate("Boolean(window.asked)"))
        # A portal whose own tokens are bad gives another one as often as it is asked.
        page.evaluate(
            "addEventListener('arrears-token-needed', (e) => e.target.setAttribute('token', 'bad' + Math.random()));"
            "document.querySelector('arrears-alerts').setAttribute('token', 'worse')"
        )
        for _ in range(20):
            page.clock.run_for(250)
            page.request.get(f"{shop.url}/banner.js")
        assert 2 <= len([one for one in asked if one == "GET"]) <= 4, "in five seconds"
        page.evaluate("document.querySelector('arrears-alerts').setAttribute('token', 'bad')")
        before = len(asked)
        page.evaluate("document.querySelector('arrears-alerts').setAttribute('token', 'bad')")
        assert len(asked) == before, "the same token is no news"
        page.close()


def test_what_stands_there_already_is_neither_said_again_nor_loses_the_focus(
    shop: Living, browser: Browser, token: str
) -> None:
    account = shop.account((12000, "EUR"), days=25)
    with portal(shop.url, account) as (url, state), using(portal_origins=frozenset({url})):
        state["token"] = mint_over_http(shop.url, account, token)
        page = browser.new_page(color_scheme="dark", locale="nl")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        asked = counted(page, "/alerts?lang")
        page.goto(url)
        banner = page.locator("arrears-alerts")
        link = banner.get_by_role("link")
        link.focus()
        page.evaluate(
            "const root = document.querySelector('arrears-alerts').shadowRoot; window.changed = 0;"
            "new MutationObserver((all) => { window.changed += all.length; })"
            ".observe(root, { subtree: true, childList: true, characterData: true })"
        )
        before = len(asked)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        wait_until(lambda: bool(page.evaluate("1")) and len(asked) > before)
        page.evaluate("document.querySelector('arrears-alerts').load()")
        assert page.evaluate("window.changed") == 0, "no screen reader says it again"
        assert page.evaluate("document.querySelector('arrears-alerts').shadowRoot.activeElement.localName") == "a"
        contrast(page, "--arrears-soft:#fff")
        contrast(page, "--arrears-soft:#111")
        page.context.set_offline(True)
        before = len(asked)
        page.evaluate("document.querySelector('arrears-alerts').load()")
        expect(banner.get_by_text("cloud stopt op"), "what was shown last stays").not_to_have_count(0)
        assert len(asked) == before
        page.context.set_offline(False)
        wait_until(lambda: bool(page.evaluate("1")) and len(asked) > before)
        page.evaluate("document.querySelector('arrears-alerts').setAttribute('account', 'acc_1')")
        wait_until(
            lambda: (
                bool(page.evaluate("1")) and any("acc_1 is not the one that this token is for" in line for line in said)
            )
        )
        many = [{"title": f"Alert {k}", "text": "", "urgent": True, "settle_url": ""} for k in range(40)]
        page.evaluate("(alerts) => document.querySelector('arrears-alerts').show({ alerts, language: 'nl' })", many)
        expect(banner.get_by_role("alert")).to_have_count(5)
        banner.get_by_text("Nog 35").click()
        expect(banner.get_by_role("alert")).to_have_count(40)
        page.close()


def contrast(page: Page, colors: str) -> None:
    """One colour of the portal's own, on the wrong system, can still be read: ink and ground are far apart."""
    page.evaluate(
        "(colors) => { const one = document.querySelector('arrears-alerts');"
        " one.style.cssText = colors; one.readable(); }",
        colors,
    )
    ink, ground = page.evaluate(
        "(() => { const style = getComputedStyle(document.querySelector('arrears-alerts').shadowRoot"
        ".querySelector('.alert')); return [style.color, style.backgroundColor]"
        ".map((one) => one.match(/[0-9]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)); })()"
    )
    assert abs(ink - ground) > 3 * 110, (colors, ink, ground)
