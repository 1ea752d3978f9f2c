"""What staff do to an account: each act with its form, and the command of the engine that it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import ALL_STOPS, Account, Action, HoldScope
from arrears.core.arrangements import Every, equal_parts
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.states import Reason, State
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands import corrections
from arrears.engine.commands.arrangements import PARTS_MAX, promisable
from arrears.engine.commands.warned_otherwise import SpokenWarning, record_warned
from arrears.web.console.filled import Act, Filled
from arrears.web.console.kinds import FormField, StaffForm
from arrears.web.numbers import whole

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class OneForm:
    """A form: its title, what it says beside, what it asks, what it runs, and of which accounts it makes sense."""

    title: Promise | str
    note: Promise | str
    fields: tuple[FormField, ...]
    act: Callable[[Filled], Act]
    offered: Callable[[Account], bool]


def _hold(form: Filled) -> Act:
    scope, target = _scope(form)
    until, why = form.day("day"), form.line()
    number, now, author = form.visit.account, form.console.now, form.console.author
    return lambda store: commands.hold(
        store,
        number,
        scope=scope,
        target=target,
        stops=ALL_STOPS,
        reason=why,
        until=until,
        now=now,
        author=author,
    )


def _scope(form: Filled) -> tuple[HoldScope, int]:
    """`account`, `sub:1` or `inv:3`, as the form offers them."""
    kind, _colon, number = form.text("scope").partition(":")
    account = form.visit.snapshot
    if kind == "account":
        return HoldScope.ACCOUNT, 0
    if kind == "sub" and number in [str(sub.no) for sub in account.subscriptions]:
        return HoldScope.SUBSCRIPTION, int(number)
    if kind == "inv" and number in [str(debt.no) for debt in account.debts]:
        return HoldScope.DEBT, int(number)
    raise Refused("bad_hold", _("Choose what is held."))


def _release(form: Filled) -> Act:
    hold, why, console = form.hold(), form.line(), form.console
    return lambda store: commands.release(store, form.visit.account, hold, console.now, console.author, why)


def _promise(form: Filled) -> Act:
    debts, first, why, console = form.promised(), form.day("day"), form.line(), form.console
    count = whole(form.text("count"))
    if not 1 <= count <= PARTS_MAX:
        raise Refused("bad_part", _("Say in how many parts, from 1 to %(most)s.") % {"most": PARTS_MAX})
    parts = equal_parts(sum(debt.open_minor for debt in debts), first, count, _one(Every, form, "every"))
    return lambda store: commands.promise(
        store,
        form.visit.account,
        parts,
        debts=[debt.no for debt in debts],
        collects=form.text("collected") == "yes",
        now=console.now,
        author=console.author,
        why=why,
    )


def _end_promise(form: Filled) -> Act:
    number, why, console = form.arrangement(), form.line(), form.console
    return lambda store: commands.end_promise(store, form.visit.account, number, console.now, console.author, why)


def _dispute(form: Filled) -> Act:
    debt, why, console = form.debt().no, form.line(), form.console
    return lambda store: commands.dispute(store, form.visit.account, debt, console.now, console.author, why)


def _due_date(form: Filled) -> Act:
    invoice, on, why, console = form.invoice(), form.day("day"), form.line(), form.console
    return lambda store: corrections.move_due(store, invoice, on, console.now, console.author, why)


def _credit(form: Filled) -> Act:
    debt, why, console = form.debt(), form.line(), form.console
    minor = form.amount(debt.currency)
    return lambda store: corrections.credit(store, debt.number, minor, console.now, console.author, why)


def _void(form: Filled) -> Act:
    invoice, why, console = form.invoice(), form.line(), form.console
    return lambda store: corrections.void(store, invoice, console.now, console.author, why)


def _write_off(form: Filled) -> Act:
    invoice, why, console = form.invoice(), form.line(), form.console
    return lambda store: corrections.give_up(store, invoice, console.now, console.author, why)


def _payment(form: Filled) -> Act:
    debt, ref, console = form.debt(), form.line("ref"), form.console
    minor = form.amount(debt.currency)
    if minor <= 0:
        raise Refused("bad_amount", _("Type the amount that arrived."))
    if ref in form.store.payment_places([ref]):
        raise Refused("duplicate_payment", _("A payment with this reference is booked already."))
    payment = Payment(form.visit.account, ref, debt.currency, minor, (debt.no,), names=debt.no)
    return lambda store: commands.record_payments(store, [payment], console.now, console.author)


def _warned(form: Filled) -> Act:
    spoken = SpokenWarning(
        form.subscription(),
        _one(Action, form, "action"),
        _one(WarnedHow, form, "how"),
        form.day("day"),
        form.text("proof"),
    )
    why, console = form.line(), form.console
    return lambda store: record_warned(store, form.visit.account, spoken, console.now, console.author, why)


def _one(kinds: type[Choice], form: Filled, name: str) -> Choice:
    try:
        return kinds(form.text(name))
    except ValueError:
        raise Refused("no_choice", _("Choose one of the list.")) from None


def _cancel(form: Filled) -> Act:
    sub, why, console = form.subscription(), form.line(), form.console
    return lambda store: commands.cancel(store, form.visit.account, sub, console.now, console.author, why)


def _reactivate(form: Filled) -> Act:
    sub, why, console = form.subscription(), form.line(), form.console
    return lambda store: commands.reactivate(store, form.visit.account, sub, console.now, console.author, why)


def _owes(account: Account) -> bool:
    return bool(account.debts)


def _runs(account: Account) -> bool:
    return any(s.state is not State.DELETED and Reason.CANCELED not in s.reasons for s in account.subscriptions)


def _canceled(account: Account) -> bool:
    return any(s.state is not State.DELETED and Reason.CANCELED in s.reasons for s in account.subscriptions)


_INVOICE: Final = (FormField.INVOICE,)
_SUBSCRIPTION: Final = (FormField.SUBSCRIPTION,)

FORMS: Final[Mapping[StaffForm, OneForm]] = closed(
    "forms of staff's acts",
    StaffForm,
    {
        StaffForm.HOLD: OneForm(
            gettext_lazy("Hold until a day"),
            gettext_lazy("Nothing is sent, charged, stopped or deleted until this day is over. Promised dates move."),
            (FormField.SCOPE, FormField.DAY),
            _hold,
            lambda _account: True,
        ),
        StaffForm.RELEASE: OneForm(
            gettext_lazy("End a hold"),
            gettext_lazy("New warnings follow, with their whole lead."),
            (FormField.HOLD,),
            _release,
            lambda account: any(hold.ended_at is None and not hold.arrangement for hold in account.holds),
        ),
        StaffForm.PROMISE: OneForm(
            gettext_lazy("Promise to pay, or instalments"),
            gettext_lazy(
                "Until the next day nothing is sent or stopped because of these invoices. A day that passes unpaid "
                "breaks the promise: the ladder goes on where it had stopped, with new warnings."
            ),
            (FormField.PROMISED, FormField.COUNT, FormField.DAY, FormField.EVERY, FormField.COLLECTED),
            _promise,
            lambda account: promisable(account) != [],
        ),
        StaffForm.END_PROMISE: OneForm(
            gettext_lazy("End a promise to pay"),
            gettext_lazy("The ladder goes on where it had stopped, with new warnings. No date comes earlier."),
            (FormField.ARRANGEMENT,),
            _end_promise,
            lambda account: account.arrangements != (),
        ),
        StaffForm.DISPUTE: OneForm(
            gettext_lazy("The customer objects to an invoice"),
            gettext_lazy("Everything about this invoice stops until the hold is ended."),
            _INVOICE,
            _dispute,
            _owes,
        ),
        StaffForm.DUE_DATE: OneForm(
            gettext_lazy("Another due date"),
            gettext_lazy("Later always; earlier only while the customer was told nothing about it."),
            (*_INVOICE, FormField.DAY),
            _due_date,
            _owes,
        ),
        StaffForm.CREDIT: OneForm(
            gettext_lazy("Ask less of an invoice"),
            gettext_lazy("A credit note over this amount. What is paid of it already is account credit."),
            (*_INVOICE, FormField.AMOUNT),
            _credit,
            _owes,
        ),
        StaffForm.VOID: OneForm(
            gettext_lazy("Withdraw an invoice"),
            gettext_lazy("Nothing of it is asked any more. What is paid of it is account credit."),
            _INVOICE,
            _void,
            _owes,
        ),
        StaffForm.WRITE_OFF: OneForm(
            gettext_lazy("Write off an invoice"),
            gettext_lazy("What is open of it is given up; what it had stopped comes back."),
            _INVOICE,
            _write_off,
            _owes,
        ),
        StaffForm.PAYMENT: OneForm(
            gettext_lazy("Book a payment that arrived"),
            gettext_lazy("Its own reference, such as the bank's, so that it is booked once."),
            (*_INVOICE, FormField.AMOUNT, FormField.REF),
            _payment,
            _owes,
        ),
        StaffForm.WARNED: OneForm(
            gettext_lazy("They were told by letter or telephone"),
            gettext_lazy("Counts as a warning that has arrived. Say where the proof is kept, and name nobody."),
            (*_SUBSCRIPTION, FormField.ACTION, FormField.HOW, FormField.DAY, FormField.PROOF),
            _warned,
            _owes,
        ),
        StaffForm.CANCEL: OneForm(
            gettext_lazy("Cancel a subscription"),
            gettext_lazy("Its service ends today. What is open stays open; its data is kept for retention."),
            _SUBSCRIPTION,
            _cancel,
            _runs,
        ),
        StaffForm.REACTIVATE: OneForm(
            gettext_lazy("Take a cancellation back"),
            gettext_lazy("It runs again, unless something else keeps it stopped."),
            _SUBSCRIPTION,
            _reactivate,
            _canceled,
        ),
    },
)
