"""What comes by transfer, told by day: the scenarios of the model and the faults of statements that are about it, each
by its number (reference/model-behaviour.md, part 3; reference/reliability.md), with every invariant on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.sources import ROOT
from tests.stories.story import STAFF, Story

from arrears.adapters.books.statements.reading import read_statement_file
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction, StatementKind
from arrears.core.people.support import About, Via
from arrears.core.states import State
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import TakenFile, take_file
from arrears.engine.people import support
from arrears.ports.bank import CreditState
from arrears.sim.bank_file import camt_053
from arrears.sim.replay_by_transfer import BankedStore
from arrears.store.postgres.store import PostgresStore

OURS: Final = "NL91ABNA0417164300"
SHOWN: Final = {
    "scenario_2": "tests/stories/test_by_transfer.py",
    "scenario_17": "tests/store/test_transfer_stories.py",
    "scenario_19": "tests/store/test_transfer_stories.py",
    "scenario_26": "tests/stories/test_by_transfer.py",
    "scenario_34": "tests/store/test_transfer_stories.py",
    "scenario_35": "tests/store/test_transfer_stories.py",
    "f46": "tests/store/test_transfer_stories.py",
    "f47": "tests/store/test_transfer_stories.py",
    "i20": "tests/store/test_bank.py",
}
"""Where each number of the plan is shown; the files of 69 to 88 are in test_statement_inputs.py."""


class Transfers(Story):
    """A story of a customer who pays by transfer, and of the bank that tells of it."""

    def __init__(self, store: PostgresStore, **more: Any) -> None:
        super().__init__(mode=Mode.INVOICE, inner=store, port=BankedStore, **more)
        self.balance = 0
        self._files = count(1)

    def called(self, account: int, count: int) -> str:
        return f"INV-2026-{37 * account}{count:02}"

    def transfer(self, minor: int, text: str = "", *, reference: str = "", iban: str = "", name: str = "") -> int:
        """A transfer comes, in a file of its own; its number here."""
        number = next(self._files)
        references = (creditor_reference(reference),) if reference else ()
        said = BankTransaction(minor, "EUR", references, name=name or "Payer", iban=iban, texts=(text,))
        today = self.calendar.local_day(self.now)
        [first] = self.take(
            self.file([BankEntry(minor, "EUR", today, today, f"R{number}", transactions=(said,))])
        ).firsts
        self.stage.perform()
        assert first[0] is not None
        return first[0]

    def file(self, entries: list[BankEntry], message: str = "") -> bytes:
        """The bank's file with these entries, which begins where the last one ended."""
        opening, day = self.balance, self.calendar.local_day(self.now)
        self.balance += sum(entry.amount_minor for entry in entries)
        ends = [Balance(minor, "EUR", day) for minor in (opening, self.balance)]
        one = BankStatement("camt.053.001.08", StatementKind.STATEMENT, OURS, "EUR", *ends, tuple(entries))
        return camt_053([one], message or f"M{next(self._files)}")

    def take(self, content: bytes) -> TakenFile:
        """A file is taken, as a command and the folder do."""
        digest = hashlib.sha256(content).digest()
        return take_file(self.store, read_statement_file(content), digest, "a.xml", {(OURS, "EUR")}, self.now)  # type: ignore[arg-type]  # it has BankedStore's methods

    def credit(self, number: int) -> CreditState:
        """What was decided about a transfer."""
        [found] = self.inner.credits_in(list(CreditState), [number])
        return CreditState(found.state)

    def open_minor(self) -> list[int]:
        """What is open of each invoice that is not paid, in order."""
        return [debt.open_minor for debt in self.account.debts]


@pytest.fixture
def tell(make_postgres: Callable[[], PostgresStore]) -> Callable[..., Transfers]:
    """Begins a story on PostgreSQL."""
    return lambda **more: Transfers(make_postgres(), **more)


def test_scenario_17_a_part_leaves_the_rest_owed_and_more_than_is_owed_is_credit(
    tell: Callable[..., Transfers],
) -> None:
    story = tell().until(5)
    assert story.credit(story.transfer(7_200, "INV-2026-3701 first part")) is CreditState.MATCHED
    assert (story.open_minor(), story.sub().state) == ([4_800], State.PAST_DUE)
    number = story.transfer(5_800, "INV-2026-3701")
    assert story.credit(number) is CreditState.WAITING, "more than is owed is never booked by itself"
    assert story.open_minor() == [4_800]
    deciding.share_out(
        story.store, number, [Share(story.no, 5_800, (1,))], {OURS}, story.now, STAFF, "theirs"  # type: ignore[arg-type]
    )  # fmt: skip
    assert (story.open_minor(), story.sub().state) == ([], State.ACTIVE)
    assert story.account.credit == {"EUR": 1_000}
    story.check()


def test_scenario_19_without_a_number_it_is_held_and_of_three_invoices_the_oldest_two_are_paid(
    tell: Callable[..., Transfers],
) -> None:
    story = tell().until(-1, "12:00")
    story.bill(0, 5_000)
    story.bill(1, 4_000)
    story.until(5)
    number = story.transfer(21_000, "with thanks")
    assert story.credit(number) is CreditState.WAITING
    assert [one.credit.number for one in deciding.queue(story.inner)] == [number]
    assert (story.open_minor(), story.sub().state) == ([12_000, 5_000, 4_000], State.PAST_DUE)
    assert (
        story.credit(story.transfer(17_000, "invoices INV-2026-3703 INV-2026-3701 INV-2026-3702"))
        is CreditState.MATCHED
    )
    assert (story.open_minor(), story.sub().state) == ([4_000], State.PAST_DUE)
    story.check()


@pytest.mark.turn(3)
@pytest.mark.parametrize("asked", [True, False], ids=["a request since day 88", "no request"])
def test_scenario_34_a_transfer_that_is_late_is_in_time_where_help_was_asked_for(
    tell: Callable[..., Transfers], asked: bool
) -> None:
    """Day 88 and 92 of retention, which began on day 30."""
    story = tell().until(30 + 88)
    if asked:
        support.open_request(
            story.store, story.no, Via.ADMINISTRATOR, About.CANNOT_PAY, "It was sent today", story.now, "person:1",
            person=1, address="", may_hold=True,
        )  # fmt: skip
    story.until(30 + 93)
    assert story.credit(story.transfer(12_000, "INV-2026-3701")) is CreditState.MATCHED
    assert story.sub().state is (State.ACTIVE if asked else State.DELETED)
    story.check()


@pytest.mark.turn(3)
def test_scenario_35_money_after_the_deletion_pays_the_debt_and_brings_nothing_back(
    tell: Callable[..., Transfers],
) -> None:
    story = tell().until(30 + 95)
    assert story.sub().state is State.DELETED
    before = len(story.mail.taken)
    assert story.credit(story.transfer(12_000, reference="INV20263701")) is CreditState.MATCHED
    story.until(30 + 96)
    assert (story.open_minor(), story.sub().state) == ([], State.DELETED)
    assert [fact.tell for _, fact in story.facts(f.PaymentBooked)] == ["after_deletion"]
    [told] = story.mail.taken[before:]
    assert told.subject == "paid after deletion"
    story.check()


def test_f46_twice_overlapping_reissued_renamed_and_encoded_anew_it_is_each_credit_once(
    tell: Callable[..., Transfers],
) -> None:
    story = tell().until(5)
    today = date(2026, 1, 7)
    one, other = (
        BankEntry(minor, "EUR", today, today, ref, transactions=(BankTransaction(minor, "EUR", texts=(text,)),))
        for minor, ref, text in ((7_000, "R1", "INV-2026-3701 é"), (5_000, "R2", "INV-2026-3701"))
    )
    first = story.file([one], "M1")
    story.balance = 0
    both = story.file([one, replace(other, booked_on=today)], "M2")
    story.balance = 0
    files = [first, first, story.file([one], "M1-again"), both]
    files += [both.decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("latin-1")]
    assert [story.take(content).state for content in files] == ["taken", "known", "taken", "taken", "taken"]
    found = story.inner.credits_in(list(CreditState))
    assert sorted((credit.amount_minor, credit.state.value) for credit in found) == [
        (5_000, "matched"),
        (7_000, "matched"),
    ]
    assert story.open_minor() == []
    story.check()


@pytest.mark.parametrize(
    ("minor", "text", "state", "left"),
    [
        pytest.param(11_999, "INV-2026-3701", "matched", [1, 5_000], id="a cent short"),
        pytest.param(17_001, "INV-2026-3701", "waiting", [12_000, 5_000], id="a cent more than everything"),
        pytest.param(11_250, "INV-2026-3701", "matched", [750, 5_000], id="a fee kept back"),
        pytest.param(17_000, "INV-2026-3701, INV-2026-3702", "matched", [], id="one for two invoices"),
        pytest.param(24_000, "INV-2026-3701", "waiting", [12_000, 5_000], id="twice the sum"),
        pytest.param(17_000, "INV-2026-3701", "matched", [], id="one is named, and all that is owed comes"),
        pytest.param(12_000, "INV-2026-3709", "waiting", [12_000, 5_000], id="a number of nobody"),
        pytest.param(
            12_000, "INV-2026-7401", "matched", [12_000, 5_000], id="the number of another customer, who owes as much"
        ),
        pytest.param(5_000, "INV-2026-7401", "matched", [12_000, 5_000], id="the number of another customer"),
        pytest.param(12_000, "INV-2026-3701 INV-2026-7401", "waiting", [12_000, 5_000], id="numbers of two customers"),
        pytest.param(12_000, "on behalf of A1", "waiting", [12_000, 5_000], id="a third party without a number"),
    ],
)
def test_f47_what_is_not_as_it_should_be(
    tell: Callable[..., Transfers], minor: int, text: str, state: str, left: list[int]
) -> None:
    story = tell(accounts=2).until(-1, "12:00")
    story.bill(0, 5_000)
    story.until(3)
    assert story.credit(story.transfer(minor, text)).value == state
    assert story.open_minor() == left
    story.check()


def test_f47_two_for_one_invoice_and_one_before_its_invoice(tell: Callable[..., Transfers]) -> None:
    story = tell().until(3)
    assert [story.credit(story.transfer(minor, "INV-2026-3701")).value for minor in (5_000, 7_000)] == [
        "matched",
        "matched",
    ]
    assert (story.open_minor(), story.sub().state) == ([], State.ACTIVE)
    early = story.transfer(9_000, "INV-2026-3702")
    assert story.credit(early) is CreditState.WAITING, "its invoice is not there yet"
    story.bill(30, 9_000)
    deciding.share_out(
        story.store, early, [Share(story.no, 9_000, (2,))], {OURS}, story.now, STAFF, "theirs"  # type: ignore[arg-type]
    )  # fmt: skip
    assert story.open_minor() == []
    story.check()


@pytest.mark.parametrize("number", SHOWN)
def test_every_number_of_the_plan_is_shown(number: str) -> None:
    text = (ROOT / SHOWN[number]).read_text(encoding="utf-8")
    assert re.search(rf"^def test_{number}_", text, re.MULTILINE), f"{SHOWN[number]} has no test of {number}"


def test_every_statement_file_of_the_list_is_shown() -> None:
    text = (ROOT / "tests/adapters/test_statement_inputs.py").read_text(encoding="utf-8")
    shown = {
        int(n)
        for line in re.findall(r"^def test_((?:[0-9]+_(?:and_)?)+)", text, re.MULTILINE)
        for n in re.findall("[0-9]+", line)
    }
    shown |= {int(n) for n in re.findall(r"^        \(([0-9]+), ", text, re.MULTILINE)}
    assert set(range(69, 89)) <= shown
