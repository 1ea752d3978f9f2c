"""The payment methods of an account with what can be done with each now: what a page offers, the engine accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Account, Method
from arrears.core.closed import closed
from arrears.core.payments.holding import HeldFor, Holding, holdings
from arrears.core.payments.planner import Tried
from arrears.core.payments.settlement import moves_with, unconfirmed, usable
from arrears.core.payments.values import takes_currency
from arrears.core.states import State
from arrears.engine.payments.methods import refused_activation
from arrears.engine.payments.permitted import refused_card
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import Owed, to_confirm
from arrears.web.names import called


class OnFile(NamedTuple):
    """A payment method. `ready`: it can be charged now; `failed`: its last payment was declined or, where it is
    `unconfirmed` too, not confirmed at the bank; `to_confirm`: the number of the payment with it that waits for its
    payer at the bank, 0 for none, and then nothing has failed; `pays_for`: the services it is active for; `settle` and
    `activate`: what the button says that pays everything with it, or that makes it active where there is nothing to
    settle; empty where the engine would refuse that. `held_by` keeps it from being removed. `moves`: what else it pays
    for from now on once a payment with it has arrived, also of a part; empty for nothing. `other_currency`: it pays in
    none of the currencies of what can be settled now."""

    no: int
    label: str
    expires: str
    is_card: bool
    ready: bool
    failed: bool
    unconfirmed: bool
    to_confirm: int
    pays_for: str
    settle: str
    activate: str
    held_by: tuple[str, ...]
    moves: str
    other_currency: bool

    @property
    def text(self) -> str:
        """The number as a form says it."""
        return str(self.no)


def on_file(visit: Visit, sums: Sequence[Owed]) -> list[OnFile]:
    """Every method that is not removed: those that pay for something first, then the newest. `sums` is what can be
    settled now."""
    account = visit.snapshot
    elsewhere = visit.live.store.tries_elsewhere(visit.account) if account.methods else {}
    present = [one for one in account.methods if not one.removed]
    found = [_shown(visit, one, elsewhere.get(one.no, ()), sums) for one in present if not _has_a_newer(account, one)]
    return sorted(found, key=lambda one: (not one.pays_for, -one.no))


def _has_a_newer(account: Account, method: Method) -> bool:
    """Whether a method failed, pays for nothing, and was added again since: one card is offered once."""
    again = any(m.credential == method.credential and m.no > method.no and not m.removed for m in account.methods)
    return again and method.failed and all(sub.method != method.no for sub in account.subscriptions)


def best(methods: Sequence[OnFile]) -> OnFile | None:
    """The method that most likely pays: one that can be charged and was not declined last time, the newest."""
    good = [one for one in methods if one.ready and not one.failed and not one.other_currency]
    return max(good, key=lambda one: one.no, default=None)


def _shown(visit: Visit, method: Method, elsewhere: Sequence[Tried], sums: Sequence[Owed]) -> OnFile:
    account, number = visit.snapshot, method.no
    ready = usable(method, visit.view.today) and not refused_card(account, number, elsewhere, visit.now)
    payable = [one for one in sums if takes_currency(method.kind, one.currency)]
    paid_for = [sub.no for sub in account.subscriptions if sub.method == number and sub.state is not State.DELETED]
    waiting = to_confirm(visit, number)
    return OnFile(
        no=number,
        label=visit.contacts.cards.get(number, ""),
        expires=visit.day(method.expires_on) if method.expires_on else "",
        is_card=method.expires_on is not None,
        ready=ready,
        failed=method.failed and not waiting,
        unconfirmed=unconfirmed(account, method) and not waiting,
        to_confirm=waiting,
        pays_for=visit.listed([called(account, no) for no in paid_for]),
        settle=_settle(visit, method, paid_for, payable) if ready and payable and not waiting else "",
        activate="" if refused_activation(visit.view, number, elsewhere) else _activate(visit, number),
        held_by=_held_by(visit, holdings(account, number), waiting),
        moves=moves(visit, number),
        other_currency=bool(sums) and not payable,
    )


NEW: Final = 0
"""The method that is not there yet: a card that is about to be added."""


def moves(visit: Visit, number: int) -> str:
    """The services that a payment with this method, however small, makes it the active one for; empty for none."""
    account = visit.snapshot
    return visit.listed([called(account, no) for no in moves_with(account, number) if _lives(account, no)])


def _settle(visit: Visit, method: Method, paid_for: Sequence[int], sums: Sequence[Owed]) -> str:
    """What paying everything with a method does, in one line."""
    names = {"total": visit.listed([one.amount for one in sums])}
    if method.failed:
        return _("Try it again: pay %(total)s with it") % names
    moved = [no for no in moves_with(visit.snapshot, method.no) if _lives(visit.snapshot, no)]
    if not moved:
        return _("Pay %(total)s with it") % names
    services = visit.listed([called(visit.snapshot, no) for no in sorted({*moved, *paid_for})])
    return _("Use it for %(services)s and pay %(total)s") % {**names, "services": services}


def _activate(visit: Visit, number: int) -> str:
    account = visit.snapshot
    others = any(sub.method != number for sub in account.subscriptions if sub.state is not State.DELETED)
    return _("Pay everything with this one from now on") if others or account.default_method != number else ""


def _lives(account: Account, subscription: int) -> bool:
    return account.subscription(subscription).state is not State.DELETED


HELD: Final[dict[HeldFor, Promise | str]] = closed("words of what holds a method", HeldFor, {
    HeldFor.ACTIVE: gettext_lazy("It pays for %(service)s. Choose another one for that first."),
    HeldFor.RETENTION: gettext_lazy("%(service)s is stopped and can still come back; it is kept for that."),
    HeldFor.OWES: gettext_lazy("Pay this first: %(numbers)s."),
    HeldFor.UNDER_WAY: gettext_lazy("A payment with it is under way."),
})  # fmt: skip


def _held_by(visit: Visit, found: Sequence[Holding], waiting: int) -> tuple[str, ...]:
    """What holds a method, and until when, with all its invoices in one line; `waiting` is the payment to confirm."""
    account = visit.snapshot
    owed = {one.number for one in found if one.why is HeldFor.OWES}
    numbers = visit.listed([debt.number for debt in account.debts if debt.no in owed])
    said = []
    for one in found:
        text, names = str(HELD[one.why]), {"numbers": numbers}
        if one.why is HeldFor.UNDER_WAY and one.number == waiting:
            text = _("A payment with it waits for you to confirm it.")
        if one.why in (HeldFor.ACTIVE, HeldFor.RETENTION):
            names["service"] = called(account, one.number)
        if one.until is not None:
            text = _("%(service)s is stopped and can come back until %(day)s; it is kept for that.")
            names["day"] = visit.day(one.until)
        said.append(text % names)
    return tuple(dict.fromkeys(said))
