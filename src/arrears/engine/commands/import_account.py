"""One account of a book that is imported: what is new is recorded, what differs is taken or refused, field by field
(spec, section 14). Everything stays in the account's unit; nothing here writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Hold, HoldScope, Mode, Terms
from arrears.core.address import mailbox_of
from arrears.core.after_deletion import billed_on
from arrears.core.errors import Refused
from arrears.core.guards import Guards
from arrears.core.ids import ref_digest
from arrears.core.invoice_lines import check_lines
from arrears.core.known import Known, KnownInvoice
from arrears.core.money import format_amount
from arrears.core.policy import Policy
from arrears.core.receivables import (
    MAY_BE_EMPTIED,
    AccountRows,
    BookAccount,
    BookCredit,
    BookInvoice,
    BookPayment,
    InvoiceStanding,
    OpenItems,
    compared,
)
from arrears.core.rules.hold import end_hold
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.booking import Payment, book
from arrears.engine.commands.import_paid import PaidWord, all_of, doubted, lacking, note_doubt, paid_word
from arrears.engine.commands.import_refused import WrongRow, in_another_currency
from arrears.engine.commands.import_words import as_known, described_by, read_as
from arrears.engine.commands.invoices import Invoice, issue
from arrears.engine.correcting import ask_again, credit_account, credit_invoice, give_up, move_due, take_back
from arrears.engine.doubting import before_mode
from arrears.engine.heard import warned_another
from arrears.ports import NewAccount

WHY: Final = "in the book"
ANOTHER: Final = "leave the same debt as it was; only another one gets another number"
"""The way out where a number seems to mean another invoice: under a new number the same debt would be asked twice."""


class Changed(NamedTuple):
    """One thing that was taken: which field of which invoice (or of the account), before and after. With a `currency`
    they are minor units of it. `row` is 0 for what is not said by one row."""

    row: int
    account: str
    invoice: str
    what: str
    before: str | int
    after: str | int
    currency: str = ""


@dataclass(slots=True)
class Taken:
    """What one account's rows came to. `count` has the new rows and those that are the same, `taken_back` the minor
    units by currency that are no longer paid."""

    count: Counter[str] = field(default_factory=Counter)
    changes: list[Changed] = field(default_factory=list)
    described: NewAccount | None = None
    taken_back: Counter[str] = field(default_factory=Counter)


class AccountImport:
    """The rows of one account, going into its unit. `label` names the column of a field, or is empty where the file
    says nothing about it. `used` are the payment references that exist, which grows. Where nobody is its administrator
    (`has_administrator`), the address of the file is the one that is told."""

    has_administrator = False

    def __init__(
        self,
        unit: Unit,
        rows: AccountRows,
        known: Known,
        described: NewAccount | None,
        policies: Mapping[str, Policy],
        guards: Guards,
        label: Callable[[str], str],
        used: set[str],
        author: str,
    ) -> None:
        self.unit = unit
        self.rows = rows
        self.known = known
        self.described = described
        self.label = label
        self.taken = Taken()
        self._policies = policies
        self._guards = guards
        self._used = used
        self._author = author
        self.gone: Sequence[str] = ()
        self.open_items = OpenItems()

    def run(self) -> Taken:
        """Record everything; raises WrongRow at the first row that cannot be taken."""
        self._account()
        fresh = [i for i in self.rows.invoices if i.number not in self.known.by_number]
        for invoice in self.rows.invoices:
            if invoice.number in self.known.by_number:
                self._newer(invoice, self.known.invoices[self.known.by_number[invoice.number]])
        for invoice in fresh:
            self._new(invoice)
        for note in self.rows.credits:
            self._credit_note(note)
        for number in self.gone:
            self._cleared(self.known.invoices[self.known.by_number[number]])
        return self.taken

    def _view(self) -> View:
        return View(self._policies, self.unit.account, self._guards, self.unit.now)

    # -- the account -----------------------------------------------------------------------------------------

    def _account(self) -> None:
        said = self.rows.account
        if self.described is None:
            terms = Terms(said.policy, said.zone)
            digest = ref_digest(self.unit.no, said.ref)
            self.unit.record(f.AccountOpened(terms=terms, mode=Mode(said.mode), ref_digest=digest), self._author)
            self.taken.count["accounts"] += 1
            return
        was = as_known(said.ref, self.described, self.unit.account)
        if set(said.copies) <= set(was.copies):
            said = replace(said, copies=was.copies)
        changes = [
            Changed(0, said.ref, "", name, read_as(getattr(was, name)), read_as(getattr(said, name)))
            for name in compared(BookAccount)
            # An empty cell is no word: nobody is made unreachable, or loses a name, by a column that is not filled.
            if self._says(said, name) and (getattr(said, name) or name in MAY_BE_EMPTIED)
            if getattr(said, name) != getattr(was, name)
        ]
        if not changes:
            self.taken.count["known_accounts"] += 1
            return
        now = replace(was, **{one.what: getattr(said, one.what) for one in changes})
        mode, terms = Mode(now.mode), Terms(now.policy, now.zone)
        self.taken.changes += changes
        self.taken.described = described_by(now)
        if mailbox_of(now.email or "") != mailbox_of(was.email or "") and not self.has_administrator:
            warned_another(self.unit, self._author)
        if (terms, mode) != (self.unit.account.terms, self.unit.account.mode):
            digest = ref_digest(self.unit.no, now.ref)
            before_mode(self._policies, self._guards, self.unit, mode)
            self.unit.record(f.TermsChanged(terms=terms, mode=mode, ref_digest=digest), self._author)

    # -- an invoice ------------------------------------------------------------------------------------------

    def _new(self, invoice: BookInvoice) -> None:
        """Issue, pay, close or dispute. What asks for nothing is nothing."""
        if invoice.asked_minor == 0:
            self.taken.count["nothing_asked"] += 1
            return
        told = (invoice.number, invoice.currency, invoice.total_minor, invoice.lines, invoice.tax_lines)
        self._guarded(invoice, "lines", lambda: check_lines(*told))
        subscriptions = tuple([self._subscription(name, invoice.issued_on) for name in invoice.services])
        issued = Invoice(
            self.unit.no,
            invoice.number,
            invoice.currency,
            invoice.total_minor,
            invoice.issued_on,
            invoice.due_on,
            subscriptions,
            lines=invoice.lines,
            tax_lines=invoice.tax_lines,
        )
        no = issue(self.unit, issued, self._author)
        debt = self.unit.account.debt(no)
        assert debt is not None, "an invoice is open when it is issued"
        self.known.invoices[no] = KnownInvoice(
            debt, invoice.services, invoice.total_minor, invoice.issued_on, invoice.due_on
        )
        self.known.by_number[invoice.number] = no
        self.taken.count["invoices"] += 1
        for payment in self.rows.payments.get(invoice.number, ()):
            self._book(payment, payment.amount_minor, no)
            self.taken.count["payments"] += 1
        if invoice.standing is InvoiceStanding.UNCOLLECTIBLE:
            give_up(self.unit, self.known.invoices[no], self._author, "uncollectible in the book")
        self._dispute(invoice, self.known.invoices[no])

    def _newer(self, row: BookInvoice, was: KnownInvoice) -> None:
        """What the newer word changes, in the order in which money moves: less asked, paid, given up, due, disputed."""
        before = len(self.taken.changes)
        self._refuse_other(row, was)
        less = min(was.total_minor + was.noted_minor - row.asked_minor, was.total_minor)
        self.taken.count["asked_less_here"] += less < 0
        if less > 0:
            now = was.total_minor - less
            self._changed(row, "total_minor", was.total_minor, now, was.currency)
            void = row.standing is InvoiceStanding.VOID
            why = "withdrawn in the book" if void else "less is asked in the book"
            credit_invoice(self.unit, self.known, was, less, self._author, why, void=void)
        self._paid(row, was)
        self._standing(row, was)
        if row.due_on not in (was.due_on, was.said_due_on) and row.asked_minor:
            self._changed(row, "due_on", str(was.due_on), str(row.due_on))
            self._guarded(row, "due_on", lambda: move_due(self.unit, was, row.due_on, self._view(), self._author, WHY))
        self._dispute(row, was)
        if len(self.taken.changes) == before:
            self.taken.count["known_invoices"] += 1

    def _refuse_other(self, row: BookInvoice, was: KnownInvoice) -> None:
        """What no later word can change about an invoice."""
        for name, told in (("services", was.services), ("currency", was.currency), ("issued_on", was.issued_on)):
            said = getattr(row, name)
            if self._says(row, name) and said != told:
                shown, before = (" ".join(v) if isinstance(v, tuple) else str(v) for v in (said, told))
                raise self._wrong(row, name, f"says {shown}, and it is here with {before}; {ANOTHER}")
        self._refuse_other_lines(row, was)
        before_notes = was.total_minor + was.noted_minor + was.here_only_minor
        if row.asked_minor > before_notes:
            more = self._amount(was, row.asked_minor - before_notes)
            told_minor = self._amount(was, before_notes)
            way = f"it asked {told_minor} before; ask for the other {more} with a new invoice"
            raise self._wrong(row, "total_minor", f"says {self._amount(was, row.asked_minor)}, and {way}")

    def _refuse_other_lines(self, row: BookInvoice, was: KnownInvoice) -> None:
        """What its document says never changes. An invoice that came without lines keeps its document without; one that
        asks less now keeps its own, and what it is less is a credit note."""
        said, here = (row.lines, row.tax_lines), (was.lines, was.tax_lines)
        if said in (((), ()), here) or row.total_minor != was.issued.total_minor or not self._says(row, "lines"):
            return
        if here != ((), ()):
            way = "an invoice that was issued is not written anew: credit it, and issue another"
            raise self._wrong(row, "lines", f"has other lines or tax than it is here with; {way}")
        self.taken.count["lines_late"] += 1

    def _paid(self, row: BookInvoice, was: KnownInvoice) -> None:
        """At least so much is paid, whoever took it. Only what an import has booked is taken back by an import."""
        if not self._says(row, "paid"):
            return
        parts = self.rows.payments.get(row.number, [])
        here = self.known.paid(was.no)
        word = paid_word(parts, self.known, was, self.unit.account)
        self._doubt(was, word)
        self.taken.count["payments_gone"] += len(word.gone)
        if word.missing_minor:
            self._changed(row, "paid", here, here + word.missing_minor, was.currency)
            self.taken.count["booked_again"] += was.taken_back_minor > 0
            self._missing(parts, word.missing_minor, was)
        elif word.less_minor:
            self._changed(row, "taken_back", here, here - word.less_minor, was.currency)
            self.taken.taken_back[was.currency] += word.less_minor
            for payment, minor in word.back:
                take_back(self.unit, self.known, payment, minor, self._author, "no longer paid in the book")
            if any(part.apart for part in parts):
                self._paid(row, was)
        else:
            self.taken.count["known_payments"] += len(parts)
            said = sum(p.amount_minor for p in parts)
            self.taken.count["paid_here_only"] += said < min(here, was.total_minor) and not word.gone

    def _doubt(self, was: KnownInvoice, word: PaidWord) -> None:
        self.taken.count["paid_in_doubt"] += word.doubtful_minor > 0
        note_doubt(self.unit, was, word, self._policies, self._guards, self._author)

    def _missing(self, parts: list[BookPayment], minor: int, was: KnownInvoice) -> None:
        """Book what is not here yet. What was given up is asked for again as far as it is paid now."""
        debt = self.unit.account.debt(was.no)
        open_minor = 0 if debt is None else debt.open_minor
        ask_again(self.unit, was, minor - open_minor, self._author, "paid in the book after all")
        for part, taken in lacking(parts, self.known, was, minor):
            self._book(part, taken, was.no)

    def _book(self, payment: BookPayment, minor: int, debt: int) -> None:
        ref, count = payment.ref, 1
        while ref in self._used:
            count += 1
            ref = f"{payment.ref}+{count}"
        self._used.add(ref)
        booked = Payment(self.unit.no, ref, payment.currency, minor, (debt,), names=debt)
        book(self.unit, booked, self._author)

    def _standing(self, row: BookInvoice, was: KnownInvoice) -> None:
        if not self._says(row, "standing"):
            return
        if row.standing is InvoiceStanding.UNCOLLECTIBLE:
            if give_up(self.unit, was, self._author, "uncollectible in the book"):
                self._changed(row, "standing", "open", "uncollectible")
        elif row.standing is InvoiceStanding.OPEN and was.given_up_by_book and was.given_up_minor:
            self._changed(row, "standing", "uncollectible", "open")
            ask_again(self.unit, was, was.given_up_minor, self._author, "asked for again in the book")
        elif row.standing is InvoiceStanding.OPEN:
            self.taken.count["given_up_here"] += was.given_up_minor > 0

    def _dispute(self, row: BookInvoice, was: KnownInvoice) -> None:
        """The book's own hold: what a person holds stays held until a person releases it."""
        if not self._says(row, "disputed"):
            return
        if row.disputed and not was.book_holds and (debt := self.unit.account.debt(was.no)) is not None:
            hold = Hold(
                no=self.unit.account.hold_count + 1,
                scope=HoldScope.DEBT,
                target=was.no,
                stops=ALL_STOPS,
                reason="dispute",
                from_at=self.unit.now,
                named=debt.subscriptions,
            )
            if row.number not in self._just_issued():
                self._changed(row, "disputed", False, True)
            self.unit.record(f.HoldPlaced(hold=hold), self._author, "disputed in the book")
        elif not row.disputed and was.book_holds:
            self._changed(row, "disputed", True, False)
            for hold in self._holds(was):
                ended = end_hold(self._view(), hold, self.unit.now)
                self.unit.record(ended, self._author, "no longer disputed in the book")

    def _just_issued(self) -> set[str]:
        return {s.recorded.fact.debt.number for s in self.unit.stored if isinstance(s.recorded.fact, f.InvoiceIssued)}

    def _holds(self, was: KnownInvoice) -> Iterator[Hold]:
        for hold in self.unit.account.holds:
            if hold.no in was.book_holds and hold.ended_at is None:
                yield hold

    def _cleared(self, was: KnownInvoice) -> None:
        """An open item that is gone from the list has been paid, if a list like this one brought it."""
        if not was.by_book or (self.open_items.service and was.services != (self.open_items.service,)):
            return
        debt = self.unit.account.debt(was.no)
        if debt is None or not debt.open_minor:
            return
        word = doubted(was, PaidWord(debt.open_minor, said_minor=was.total_minor), self.unit.account, 0)
        self._doubt(was, word)
        if paid := word.missing_minor:
            change = Changed(0, self.rows.account.ref, was.number, "gone", debt.open_minor, 0, was.currency)
            self.taken.changes.append(change)
            self._book(all_of(was, self.rows.account.ref, self.unit.now.date(), paid), paid, was.no)

    # -- credit notes ----------------------------------------------------------------------------------------

    def _credit_note(self, note: BookCredit) -> None:
        more = note.amount_minor - self.known.credits.get(note.number, 0)
        if more < 0 and not note.balance:
            here = format_amount(self.known.credits[note.number], note.currency)
            way = f"and it is here with {here}; ask for the difference with a new invoice"
            raise WrongRow(note.row, f"{self.label('total_minor')}: credit note {note.number} is lower now, {way}")
        if more <= 0:
            self.taken.count["known_credits"] += 1
            return
        self.taken.count["credits"] += 1
        no = self.known.by_number.get(note.invoice_number, 0)
        self.taken.count["credits_of_none"] += bool(note.invoice_number and not no)
        if no and self.known.invoices[no].currency != note.currency:
            wrong = in_another_currency(note, self.known.invoices[no].currency)
            raise WrongRow(note.row, f"{self.label('currency')}: credit note {note.number} {wrong}")
        asked = self.known.invoices[no].total_minor if no else 0
        of_invoice = min(more, asked)
        if of_invoice:
            credit_invoice(
                self.unit, self.known, self.known.invoices[no], of_invoice, self._author, WHY, ref=note.number
            )
        if more > of_invoice:
            credit_account(self.unit, note.currency, more - of_invoice, note.number, self._author, WHY)

    def _says(self, row: BookAccount | BookInvoice, name: str) -> bool:
        return bool(self.label(name)) and name not in row.unsaid

    # -- saying so -------------------------------------------------------------------------------------------

    def _changed(self, row: BookInvoice, what: str, before: str | int, after: str | int, currency: str = "") -> None:
        self.taken.changes.append(Changed(row.row, row.account_ref, row.number, what, before, after, currency))

    def _amount(self, was: KnownInvoice, minor: int) -> str:
        return format_amount(minor, was.currency)

    def _wrong(self, row: BookInvoice, name: str, reason: str) -> WrongRow:
        return WrongRow(row.row, f"{self.label(name)}: invoice {row.number} {reason}")

    def _guarded(self, row: BookInvoice, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Refused as refused:
            raise WrongRow(row.row, f"{self.label(name)}: {refused.message}") from None

    def _subscription(self, service: str, issued_on: date) -> int:
        if (sub := billed_on(self.unit.account.subscriptions, service, issued_on)) is not None:
            return sub.no
        number = len(self.unit.account.subscriptions) + 1
        self.unit.record(f.SubscriptionAdded(subscription=number, service=service), self._author)
        return number
