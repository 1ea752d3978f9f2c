"""Two members of staff at once, each with a browser, in English and Dutch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from tests import members
from tests.site import PASSWORD
from tests.web.journeys.pictures import keep
from tests.web.states import Town

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_MS: Final = 45_000


@pytest.fixture
def enters(town: Town, browser: Browser) -> Iterator[Callable[[str, str, str], Page]]:
    """Somebody who signs in at the console: `enters(email, role, language)`."""
    contexts = []

    def somebody(email: str, role: str, language: str) -> Page:
        with psycopg.connect(town.shop.database) as db:
            db.execute("DELETE FROM throttle")
            here = db.execute("SELECT FROM staff WHERE email = %s", [email]).fetchone()
        if here is None:
            members.made(email, email.partition("@")[0].title(), PASSWORD, role, town.now)
        members.statement("UPDATE staff SET code_no = 0 WHERE email = %s", email)
        context = browser.new_context(locale=language, viewport={"width": 1000, "height": 700})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{town.shop.url}/console/")
        page.locator("#email").fill(email)
        page.locator("#password").fill(PASSWORD)
        page.locator("main form button").first.click()
        page.locator("#code").fill(members.code())
        page.locator("main form button").first.click()
        expect(page.locator("#q")).to_be_visible()
        return page

    yield somebody
    for context in contexts:
        context.close()


def kept(page: Page, name: str, language: str) -> None:
    """A picture, where somebody wants them."""
    if folder := os.environ.get("ARREARS_PICTURES"):
        keep(page, Path(folder) / f"console-{name}-{language}-desktop.png", whole=name != "2-account")


@pytest.mark.turn(2)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_second_to_press_is_shown_what_the_first_has_changed(
    town: Town, enters: Callable[[str, str, str], Page], language: str
) -> None:
    number = town.accounts["warned" if language == "en" else "past due"]
    hold = {"en": "Hold until a day", "nl": "Opschorten tot en met een dag"}[language]
    show = {"en": "Show what it changes", "nl": "Laten zien wat er verandert"}[language]
    ann, ben = (enters(f"{name}.{language}@operator.example", "agent", language) for name in ("ann", "ben"))
    kept(ann, "1-today", language)
    for page in (ann, ben):
        page.locator("#q").fill(f"acc_{number}")
        page.locator("nav form button").click()
        expect(page).to_have_url(f"{town.shop.url}/console/acc_{number}/")
        page.get_by_role("link", name=hold).click()
        page.locator("#day").fill((town.now + timedelta(days=10)).date().isoformat())
        page.locator("#why").fill("their cheque is under way")
        page.get_by_role("button", name=show).click()
        expect(page.locator("main table")).to_be_visible()
    kept(ann, "3-effect", language)
    ann.locator("main form button").click()
    expect(ann.get_by_role("status")).to_contain_text(hold)
    kept(ann, "2-account", language)
    ben.locator("main form button").click()
    again = {"en": "The account has changed meanwhile.", "nl": "Het account is intussen veranderd."}[language]
    expect(ben.get_by_role("alert")).to_contain_text(again)
    expect(ben.locator("#why")).to_have_value("their cheque is under way")
    holds = [one for one in town.shop.store.snapshots([number])[number].holds if one.reason.startswith("their cheque")]
    assert len(holds) == 1


def arrive(town: Town, count: int) -> list[int]:
    """So many transfers arrive that name an invoice with a letter too much; the accounts that they are for."""
    from arrears.core.bank.statements import Balance, BankEntry, BankFile, BankStatement, BankTransaction, StatementKind
    from arrears.engine.commands.bank.taking import take_file

    store, today = town.shop.store, town.now.date()
    owing = [account for account in store.snapshots(sorted(town.accounts.values())).values() if account.debts]
    chosen = [account for account in owing if account.debts[0].currency == "EUR"][:count]
    entries = []
    for serial, account in enumerate(chosen):
        texts = (f"invoice {account.debts[0].number}x",)
        said = BankTransaction(1_00 + serial, "EUR", texts=texts, name="Somebody")
        reference = f"T{serial}-{today}"
        entries.append(BankEntry(1_00 + serial, "EUR", today, today, reference, transactions=(said,)))
    total = sum(entry.amount_minor for entry in entries)
    ends = (Balance(0, "EUR"), Balance(total, "EUR", today))
    iban = "NL91ABNA0417164300"
    file = BankFile((BankStatement("camt.053.001.08", StatementKind.STATEMENT, iban, "EUR", *ends, tuple(entries)),))
    take_file(store, file, os.urandom(32), "today.xml", {(iban, "EUR")}, town.now)
    return [account.no for account in chosen]


@pytest.mark.turn(2)
def test_transfers_are_matched_by_keyboard_alone_and_one_is_taken_back(
    town: Town, enters: Callable[[str, str, str], Page]
) -> None:
    accounts = arrive(town, 4)
    dora = enters("dora@operator.example", "agent", "en")
    dora.goto(f"{town.shop.url}/console/bank")
    kept(dora, "5-transfer", "en")
    for _ in accounts:
        expect(dora.locator("input[name=suggestion]").first).to_be_focused()
        before = dora.url
        dora.keyboard.press("Space")
        dora.keyboard.press("Enter")
        expect(dora.get_by_role("status")).to_contain_text("It is booked")
        assert dora.url != before
    expect(dora.locator("main")).to_contain_text("No transfer waits.")
    booked = [store_part for n in range(1, 5) for store_part in town.shop.store.parts_of(n)]
    assert sorted(part.account for part in booked) == sorted(accounts)
    dora.goto(f"{town.shop.url}/console/bank/1")
    dora.locator("#why").fill("it was another Anna")
    dora.get_by_role("button", name="Take it back").click()
    expect(dora.get_by_role("status")).to_contain_text("waits again")
    expect(dora.locator("input[name=suggestion]").first).to_be_visible()


@pytest.mark.turn(2)
def test_without_scripts_and_by_keyboard_a_task_is_closed_with_what_was_done(
    town: Town, enters: Callable[[str, str, str], Page]
) -> None:
    page = enters("carl@operator.example", "agent", "en")
    page.goto(f"{town.shop.url}/console/tasks")
    kept(page, "4-tasks", "en")
    why = page.locator("main input[name=why]")
    if not why.count():
        expect(page.locator("main")).to_contain_text("Nothing waits for a person.")
        return
    why.first.focus()
    page.keyboard.type("rang them")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is closed.")
