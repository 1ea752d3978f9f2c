"""How pages look and are built: contrast, headings, one phone's width, the menu by keyboard, and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.site import PASSWORD, using
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

STYLE = (Path(__file__).parents[2] / "src/arrears/web/static/style.css").read_text()
PAGES = ("", "settle", "methods", "subscriptions", "invoices", "timeline", "profile")
TEXT, EDGE = 4.5, 3.0
"""The least contrast of text, and of what one must see to use a thing (WCAG 2.2, 1.4.3 and 1.4.11)."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def tokens() -> dict[str, dict[str, str]]:
    """The colours by scheme."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    return {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))
        for name, block in (("light", light), ("dark", dark))
    }


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_that_meets_can_be_read(scheme: str) -> None:
    found = tokens()[scheme]
    assert set(found) == {"ink", "paper", "soft", "line", "accent", "on-accent", "alert", "good"}
    pairs = [(ink, paper, TEXT) for ink in ("ink", "accent", "alert", "good") for paper in ("paper", "soft")]
    pairs += [("on-accent", "accent", TEXT), ("ink", "paper", EDGE), ("accent", "paper", EDGE)]
    weak = {
        (a, b): round(contrast(found[a], found[b]), 2) for a, b, least in pairs if contrast(found[a], found[b]) < least
    }
    assert weak == {}


def test_an_operators_colours_are_each_for_their_own_scheme(tmp_path: Path) -> None:
    from arrears.web.brand import brand

    file = tmp_path / "brand.toml"
    file.write_text('name = "Hosting"\n[light]\naccent = "#123456"\n')
    with using(brand=file):
        style = brand().style
    assert "@media print,(prefers-color-scheme:light){:root{--accent:#123456;}}" in style
    assert style.count("#123456") == 1


def test_headings_go_down_one_step_at_a_time_and_begin_with_the_title(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (500, "USD"), days=40)
    commands.record_payments(shop.store, [Payment(account, f"b{account}", "EUR", 5000)], shop.clock.now(), "api:1")
    shop.work()
    sign_in(client, shop.email(account))
    for path in PAGES:
        levels = [int(level) for level in re.findall(r"<h([1-6])", text(client.get(f"/acc_{account}/{path}")))]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)


def signed_in(shop: Living, browser: Browser, account: int, **options: object) -> Page:
    context = browser.new_context(locale="nl", **options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{shop.url}/acc_{account}/")
    page.get_by_label("E-mailadres").fill(shop.email(account))
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url(f"**/acc_{account}/")
    return page


# Targets in the run of a sentence may be as small as its letters (WCAG 2.2, 2.5.8).
SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
    .filter(one => one.checkVisibility() && !one.closest('.skip, p, small, .days li'))
    .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
    .filter(([_, box]) => box.width && (box.width < 24 || box.height < 24)).map(([html, _]) => html)"""


@pytest.mark.turn(2)
def test_everything_fits_a_phone_of_320_px_and_can_be_hit_with_a_thumb(shop: Living, browser: Browser) -> None:
    name = "Vereniging van Eigenaars Kruidenbuurt-Langestraatverbindingsweg te 's-Hertogenbosch"
    account = shop.account((1234567890, "EUR"), (98765432100, "JPY"), days=40, name=name)
    now = shop.clock.now()
    due = now.date() + timedelta(days=9)
    long = commands.Invoice(account, f"N{account}-{'0123456789' * 6}", "EUR", 123456789, now.date(), due, (1, 2))
    commands.issue_invoices(shop.store, [long], now, "api:1")
    commands.record_payments(shop.store, [Payment(account, f"q{account}", "EUR", 1234500000)], now, "api:1")
    page = signed_in(shop, browser, account, viewport={"width": 320, "height": 640})
    for path in PAGES:
        page.goto(f"{shop.url}/acc_{account}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert page.evaluate(SMALL) == [], path
    page.context.close()


def test_the_menu_is_opened_by_keyboard_on_a_phone_and_open_on_a_desk(shop: Living, browser: Browser) -> None:
    account = shop.account()
    page = signed_in(shop, browser, account, viewport={"width": 320, "height": 640})
    link = page.get_by_role("link", name="Tijdlijn", exact=True)
    expect(link).to_be_hidden()
    page.locator(".menu > summary").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_visible()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/timeline")
    page.set_viewport_size({"width": 1100, "height": 700})
    expect(link).to_be_visible()
    expect(page.locator(".menu > summary")).to_be_hidden()
    expect(link).to_have_attribute("aria-current", "page")
    page.context.close()


@pytest.mark.turn(2)
def test_a_receipt_on_paper_is_the_receipt_and_nothing_around_it(shop: Living, browser: Browser) -> None:
    account = shop.account((12000, "EUR"))
    payment = Payment(account, f"p{account}", "EUR", 12000, (1,))
    commands.record_payments(shop.store, [payment], shop.clock.now(), "api:1")
    page = signed_in(shop, browser, account, viewport={"width": 800, "height": 900}, color_scheme="dark")
    page.goto(f"{shop.url}/acc_{account}/invoices")
    page.get_by_role("link", name="Betalingsbewijs").click()
    page.wait_for_url("**/receipts/*")
    page.emulate_media(media="print")
    expect(page.get_by_text("Ontvangen door")).to_be_visible()
    for gone in ("nav", "footer", "form", ".screen"):
        expect(page.locator(gone).filter(visible=True)).to_have_count(0)
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    for path in ("subscriptions", "timeline"):
        page.goto(f"{shop.url}/acc_{account}/{path}")
        found = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--soft')")
        assert found == tokens()["light"]["soft"], "what is dark on the screen is not on paper"
    page.context.close()
