"""The account centre without a mouse, at 200 % zoom, and as a screen reader hears it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page
from tests.site import PASSWORD
from tests.web.living import Living, living
from tests.web.test_cancel import cancels
from tests.web.test_look import PAGES

from arrears.engine import commands
from arrears.sandbox.run import Running, running

EVERY: Final = (*PAGES, "statement", "help", "subscriptions?cancel=2")
"""The pages of an account, with the one that asks before something ends."""

TABS_MAX: Final = 60
"""More than any of these pages has to be tabbed through."""

SEEN: Final = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const ring = parseFloat(style.outlineWidth) >= 2 && !["none", "hidden"].includes(style.outlineStyle);
    const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 12));
    const label = one.labels && one.labels[0], covered = inside && top && !one.contains(top) && !top.contains(one)
        && !(label && (label.contains(top) || top.contains(label)));
    const name = (one.getAttribute("aria-label") || (label && label.innerText) || one.textContent || "").trim();
    return {ring, inside, covered: Boolean(covered), name, tag: one.tagName, type: one.type || "",
        value: one.value || "", id: one.id};
}"""

CUT: Final = """() => [...document.querySelectorAll("main *, header *, nav *, footer *")]
    .filter(one => one.checkVisibility() && !one.closest(".screen, .skip"))
    .filter(one => one.childElementCount === 0 && one.textContent.trim())
    .filter(one => {
        const style = getComputedStyle(one), box = one.getBoundingClientRect();
        const hidden = ["hidden", "clip"].includes(style.overflowX) || ["hidden", "clip"].includes(style.overflowY);
        return box.right > innerWidth + 1 || box.left < -1
            || (hidden && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
    }).map(one => one.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found
        cancels(found, "")


def tabbed(page: Page, *, wanted: str, ours: bool = True) -> dict[str, Any]:
    """Press Tab until something of this name, or this value of a choice, has the focus, which is seen at each step,
    on pages of `ours` by a ring of two pixels."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        now: dict[str, Any] = page.evaluate(SEEN)
        if now["tag"] == "BODY":
            continue
        assert now["ring"] or not ours, f"no ring around {now}"
        assert now["inside"], f"out of sight: {now}"
        assert not now["covered"], f"covered: {now}"
        if wanted in (now["id"], now["value"]) or wanted in now["name"]:
            return now
    raise AssertionError(f"{wanted!r} is not reached by keyboard on {page.url}")


@pytest.mark.turn(3)
def test_by_keyboard_alone_somebody_signs_in_pays_with_a_new_card_and_is_back(shop: Living, browser: Browser) -> None:
    """Tab, Enter and Space from the mail's link to the running service; where one is, is seen all the time."""
    account = shop.account((12000, "EUR"), days=40)
    page = browser.new_context(locale="nl", viewport={"width": 1000, "height": 700}).new_page()
    page.goto(f"{shop.url}/settle/acc_{account}")
    tabbed(page, wanted="E-mailadres")
    page.keyboard.type(shop.email(account))
    tabbed(page, wanted="Wachtwoord")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.url}/acc_{account}/settle")
    tabbed(page, wanted="met een nieuwe kaart")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.sandbox.url}/**")
    tabbed(page, wanted="approve", ours=False)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.url}/acc_{account}/story/*")
    shop.work()
    page.get_by_text("cloud staat weer aan").wait_for()
    tabbed(page, wanted="Abonnementen")
    page.keyboard.press("Enter")
    page.wait_for_url("**/subscriptions")
    assert shop.captures(account) == [12000]
    page.context.close()


@pytest.mark.turn(2)
def test_by_keyboard_alone_a_service_is_cancelled_and_brought_back(shop: Living, browser: Browser) -> None:
    cancels(shop, "here")
    account = shop.account((12000, "EUR"))
    page = entered(shop, browser, account, {"width": 1000, "height": 700})
    for path, wanted in (("subscriptions?cancel=1", "Ja, cloud opzeggen"), ("subscriptions", "cloud terughalen")):
        page.goto(f"{shop.url}/acc_{account}/{path}")
        tabbed(page, wanted=wanted)
        page.keyboard.press("Space")
        page.wait_for_url("**/subscriptions?done=*")
    assert not any("canceled" in sub.reasons for sub in shop.store.snapshots([account])[account].subscriptions)
    page.context.close()


def entered(shop: Living, browser: Browser, account: int, viewport: dict[str, int], **more: object) -> Page:
    """The account's administrator, signed in."""
    context = browser.new_context(locale="nl", viewport=viewport, **more)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{shop.url}/acc_{account}/")
    page.get_by_label("E-mailadres").fill(shop.email(account))
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.url}/acc_{account}/")
    return page


def in_trouble(shop: Living) -> int:
    """An account with something of everything: late in two currencies, one service cancelled."""
    cancels(shop, "here")
    account = shop.account((12000, "EUR"), (98765432100, "JPY"), days=24)
    commands.cancel(shop.store, account, 1, shop.clock.now(), "staff:1")
    shop.work()
    return account


@pytest.mark.turn(3)
def test_at_200_percent_zoom_no_page_is_cut_or_scrolls_sideways(shop: Living, browser: Browser) -> None:
    """A window of 1280 by 800 zoomed to 200 % is one of 640 by 400 with two pixels for each (WCAG 2.2, 1.4.4)."""
    account = in_trouble(shop)
    page = entered(shop, browser, account, {"width": 640, "height": 400}, device_scale_factor=2)
    for path in EVERY:
        page.goto(f"{shop.url}/acc_{account}/{path}")
        assert page.url.startswith(f"{shop.url}/acc_{account}"), page.url
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, path
        assert page.evaluate(CUT) == [], path
    page.context.close()


ROLES: Final = {"button", "link", "textbox", "checkbox", "radio", "combobox", "spinbutton", "DisclosureTriangle"}
TABLES: Final = """() => [...document.querySelectorAll("table")].map(one => [
    one.caption !== null || one.hasAttribute("aria-label") || one.hasAttribute("aria-labelledby"),
    [...one.querySelectorAll("th")].every(th => th.scope && th.textContent.trim()),
    one.querySelector("th") !== null])"""


def heard(page: Page) -> list[tuple[str, str, str]]:
    """What a screen reader is told, in order: role, name and, of a heading, its level."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        if node.get("ignored"):
            continue
        level = next((one["value"]["value"] for one in node.get("properties", ()) if one["name"] == "level"), "")
        role, name = node.get("role", {}).get("value", ""), node.get("name", {}).get("value", "")
        found.append((str(role), " ".join(str(name).split()), str(level)))
    return found


@pytest.mark.turn(3)
def test_a_screen_reader_hears_a_name_of_its_own_for_each_thing_and_headings_in_order(
    shop: Living, browser: Browser
) -> None:
    """By the browser's accessibility tree: no control is without a name, none of one role and name does two things,
    headings go down step by step, and a table says what its columns are."""
    account = in_trouble(shop)
    page = entered(shop, browser, account, {"width": 1280, "height": 800})
    for path in EVERY:
        page.goto(f"{shop.url}/acc_{account}/{path}")
        assert page.url.startswith(f"{shop.url}/acc_{account}"), page.url
        tree = heard(page)
        controls = [(role, name) for role, name, _ in tree if role in ROLES]
        assert [one for one in controls if len(one[1]) < 2] == [], path
        targets = page.evaluate("""() => [...document.querySelectorAll("a[href]")]
            .map(one => [one.innerText.trim().replace(/\\s+/g, " "), one.href])""")
        two = {name for name, _ in targets if len({href for other, href in targets if other == name}) > 1 and name}
        assert two == set(), (path, "one name for two addresses")
        again = Counter(one for one in controls if one[0] != "link")
        assert {one: times for one, times in again.items() if times > 1} == {}, path
        levels = [int(level) for role, name, level in tree if role == "heading" and name]
        assert levels[:1] == [1], path
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)
        for captioned, scoped, headed in page.evaluate(TABLES):
            assert (captioned, scoped, headed) == (True, True, True), (path, "a table without its words")
    page.context.close()
