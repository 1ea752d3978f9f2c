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

from arrears.core.bank.statements import Balance, BankEntry, BankFile, BankStatement, BankTransaction, StatementKind
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.taking import take_file
from arrears.ports.bank import CreditState

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


def taken(town: Town, *entries: BankEntry) -> list[int]:
    """A statement with these entries is taken; the numbers of their transfers."""
    iban, today = "NL91ABNA0417164300", town.now.date()
    ends = (Balance(0, "EUR"), Balance(sum(entry.amount_minor for entry in entries), "EUR", today))
    file = BankFile((BankStatement("camt.053.001.08", StatementKind.STATEMENT, iban, "EUR", *ends, entries),))
    [firsts] = take_file(town.shop.store, file, os.urandom(32), "today.xml", {(iban, "EUR")}, town.now).firsts
    return [number for number in firsts if number]


def arrive(town: Town, count: int) -> list[int]:
    """So many transfers arrive that name an invoice with a letter too much; the accounts that they are for."""
    store, today = town.shop.store, town.now.date()
    owing = [account for account in store.snapshots(sorted(town.accounts.values())).values() if account.debts]
    chosen = [account for account in owing if account.debts[0].currency == "EUR"][:count]
    entries = []
    for serial, account in enumerate(chosen):
        texts = (f"invoice {account.debts[0].number}x",)
        said = BankTransaction(1_00 + serial, "EUR", texts=texts, name="Somebody")
        reference = f"T{serial}-{today}"
        entries.append(BankEntry(1_00 + serial, "EUR", today, today, reference, transactions=(said,)))
    taken(town, *entries)
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
    matched = [one.number for one in town.shop.store.credits_in([CreditState.MATCHED])][-len(accounts) :]
    booked = [part for number in matched for part in town.shop.store.parts_of(number)]
    assert sorted(part.account for part in booked) == sorted(accounts)
    dora.goto(f"{town.shop.url}/console/bank/{matched[0]}")
    dora.locator("#why").fill("it was another Anna")
    dora.get_by_role("button", name="Take it back").click()
    expect(dora.get_by_role("status")).to_contain_text("waits again")
    expect(dora.locator("input[name=suggestion]").first).to_be_visible()


def comes_back(town: Town, account: int, own: str) -> tuple[int, int]:
    """A transfer of EUR 1.00 with its own reference that staff have booked, and a return of EUR 0.60 of it; their
    numbers."""
    numbers = []
    for minor in (1_00, -60):
        said = BankTransaction(
            minor, "EUR", end_to_end=own, name="De Vries BV", texts=("last month",), returned=minor < 0
        )
        numbers += taken(town, BankEntry(minor, "EUR", town.now.date(), town.now.date(), transactions=(said,)))
        if minor > 0:
            share = deciding.Share(account, minor)
            deciding.share_out(town.shop.store, numbers[0], [share], set(), town.now, "staff:1", "they say so")
    return numbers[0], numbers[1]


@pytest.mark.turn(3)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_return_is_booked_against_its_transfer_by_keyboard_alone_and_undone(
    town: Town, enters: Callable[[str, str, str], Page], language: str
) -> None:
    store = town.shop.store
    came, back = comes_back(town, town.accounts["declined"], f"E-{language}")

    def states() -> list[CreditState]:
        return [one.state for one in store.credits_in(list(CreditState), [came, back])]

    assert states() == [CreditState.MATCHED, CreditState.WAITING], "the bank does not say why it is less"
    page = enters(f"eve.{language}@operator.example", "agent", language)
    page.goto(f"{town.shop.url}/console/bank/{back}")
    kept(page, "6-return", language)
    expect(page.locator(f"input[name=credit][value='{came}']")).to_be_focused()
    says = {
        "en": "€0.40 of it stays with us and stays paid.",
        "nl": "Hiervan blijft € 0,40 bij ons; dat deel blijft betaald.",
    }
    expect(page.locator("fieldset")).to_contain_text(says[language])
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    done = {"en": "The two are closed together.", "nl": "Beide zijn samen afgesloten."}
    expect(page.get_by_role("status")).to_contain_text(done[language])
    assert states() == [CreditState.RETURNED] * 2
    assert [part.amount_minor for part in store.parts_of(came)] == [40]
    page.goto(f"{town.shop.url}/console/bank/{came}")
    kept(page, "7-returned", language)
    expect(page.locator(f"main a[href='/console/bank/{back}']")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "why":
            break
    page.keyboard.type("it was another one")
    page.keyboard.press("Enter")
    opened = {"en": "Both are open again", "nl": "Beide staan weer open"}
    expect(page.get_by_role("status")).to_contain_text(opened[language])
    kept(page, "8-reopened", language)
    assert (states(), store.parts_of(came)) == ([CreditState.WAITING] * 2, [])
    for number in (came, back):
        deciding.ignore(store, number, town.now, "staff:1", "a test")


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
