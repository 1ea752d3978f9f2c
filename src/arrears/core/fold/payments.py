"""Payment methods and attempts, folded into the account.

An attempt that could still move money is a doubt (I8); one that is over is remembered by its method as long as a
network's rule looks back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, Attempt, Debt, Doubt, DoubtKind, Method
from arrears.core.fold import Folds
from arrears.core.fold.replacing import with_subscription
from arrears.core.payments.planner import Tried
from arrears.core.payments.settlement import usable
from arrears.core.payments.values import OPEN_STATES, REQUEST_REFUSED, AttemptState, Codes, Initiator, MethodKind
from arrears.core.states import State

REMEMBERED: Final = timedelta(days=200)
"""Longer than the longest window of any network (ACH: 180 days). What forbids for ever is kept for ever."""


def _method_added(account: Account, fact: f.MethodAdded, _: f.Recorded) -> Account:
    details = fact.details
    method = Method(
        no=fact.method,
        kind=details.kind,
        network=details.network,
        credential=fact.credential,
        country=details.country,
        expires_on=details.expires_on,
    )
    return replace(account, methods=(*account.methods, method))


def _with_method(account: Account, no: int, **changes: Any) -> Account:
    methods = tuple(replace(m, **changes) if m.no == no else m for m in account.methods)
    return replace(account, methods=methods)


def _method_activated(account: Account, fact: f.MethodActivated, recorded: f.Recorded) -> Account:
    """It becomes the account's default where there is none that works, or none that pays for anything."""
    for no in fact.subscriptions:
        account = with_subscription(account, replace(account.subscription(no), method=fact.method))
    if fact.charged_from is not None:
        account = _with_method(account, fact.method, charged_from=fact.charged_from)
    default = account.method(account.default_method) if account.default_method else None
    works = default is not None and not default.failed and usable(default, recorded.at.date())
    pays = any(s.method == account.default_method and s.state is not State.DELETED for s in account.subscriptions)
    return account if works and pays else replace(account, default_method=fact.method)


def _method_renewed(account: Account, fact: f.MethodRenewed, recorded: f.Recorded) -> Account:
    return _with_method(account, fact.method, expires_on=fact.expires_on, renewed_at=recorded.at, announced_days=0)


def _method_spent(account: Account, fact: f.MethodSpent, _: f.Recorded) -> Account:
    return _with_method(account, fact.method, durable=False)


def _method_removed(account: Account, fact: f.MethodRemoved, _: f.Recorded) -> Account:
    if account.default_method == fact.method:
        account = replace(account, default_method=0)
    return _with_method(account, fact.method, removed=True)


def _attempt_created(account: Account, fact: f.AttemptCreated, recorded: f.Recorded) -> Account:
    attempt = Attempt(
        no=fact.attempt,
        key=fact.key,
        method=fact.method,
        by=fact.by,
        currency=fact.currency,
        amount_minor=fact.amount_minor,
        parts=fact.parts,
        created_at=recorded.at,
        quote=fact.quote,
        on_page=fact.on_page,
        activates=fact.activates,
        in_part=fact.in_part,
        opened_by=fact.at_provider,
        entry=fact.entry,
    )
    account = replace(account, attempts=(*account.attempts, attempt), attempt_count=fact.attempt)
    return account if fact.on_page else _with_doubt(account, fact.attempt, stands=True)


def _with_doubt(account: Account, attempt: int, *, stands: bool) -> Account:
    """Money in flight is a doubt. A page of the provider that nobody has paid on is not: what is promised there is
    no more than a link in a mail promises, and an open page must not hold up the ladder for good."""
    doubt = Doubt(DoubtKind.ATTEMPT, f"attempt {attempt}")
    others = tuple(d for d in account.doubts if d != doubt)
    return replace(account, doubts=(*others, doubt) if stands else others)


def _attempt_moved(account: Account, fact: f.AttemptMoved, recorded: f.Recorded) -> Account:
    was = account.attempt(fact.attempt)
    assert was is not None, f"attempt {fact.attempt} of account {account.no} is over already"
    waiting = fact.to is AttemptState.NEEDS_CUSTOMER
    if fact.to in OPEN_STATES:
        challenged_at = recorded.at if waiting and fact.counts else None
        on_page = was.on_page and not fact.under_way
        now = replace(was, state=fact.to, ref=fact.ref or was.ref, challenged_at=challenged_at, on_page=on_page)
        attempts = tuple(now if a.no == now.no else a for a in account.attempts)
        account = replace(account, attempts=attempts)
        if waiting and fact.counts and account.case is not None:
            account = replace(account, case=replace(account.case, challenges=account.case.challenges + 1))
        if waiting and was.method:
            account = _with_method(account, was.method, failed=True)
        stands = fact.counts if waiting else not (on_page and fact.to is AttemptState.SUBMITTED)
        return _with_doubt(account, fact.attempt, stands=stands)
    account = replace(account, attempts=tuple(a for a in account.attempts if a.no != fact.attempt))
    account = _with_doubt(account, fact.attempt, stands=False)
    finished = {part.debt for part in was.parts}
    debts = tuple(_tried(d, was, fact) if d.no in finished else d for d in account.debts)
    account = replace(account, debts=debts)
    return _remembered(account, was, fact, recorded) if was.method else account


def _tried(debt: Debt, was: Attempt, fact: f.AttemptMoved) -> Debt:
    """A debt after an attempt for it is over."""
    # One that was ended with proof was none, unless that is how it was refused; one for a part leaves the rest to come.
    whole = any(part.debt == debt.no and part.minor >= debt.open_minor for part in was.parts)
    refused = fact.codes.decline not in ("", REQUEST_REFUSED)
    over = whole if fact.to is AttemptState.PAID else fact.to is AttemptState.DECLINED or refused
    ours = was.by is Initiator.MERCHANT and over
    return replace(debt, tries=debt.tries + 1, charged=debt.charged or ours)


def _remembered(account: Account, was: Attempt, fact: f.AttemptMoved, recorded: f.Recorded) -> Account:
    method = account.method(was.method)
    debit = method.kind is not MethodKind.CARD
    tried = Tried(
        no=was.no,
        at=was.created_at,
        by=was.by,
        amount_minor=was.amount_minor,
        currency=was.currency,
        state=fact.to,
        codes=fact.codes,
        reached_network=fact.reached_network,
        entry=(was.entry or was.no) if debit else 0,
        debts=tuple(part.debt for part in was.parts) if debit else (),
    )
    since = recorded.at - REMEMBERED
    # A decline is remembered as long as what cured it: without the newest success it would bind again.
    paid = [t for t in (*method.tried, tried) if t.state is AttemptState.PAID][-1:]
    kept = tuple(t for t in method.tried if t.at >= since or t.state is AttemptState.DECLINED or t in paid)
    # Only a decline says something lasting about a method; it is over once something was paid with it.
    failed = fact.to is AttemptState.DECLINED or (method.failed and fact.to is not AttemptState.PAID)
    return _with_method(account, was.method, tried=(*kept, tried), failed=failed)


def _challenge_lapsed(account: Account, fact: f.ChallengeLapsed, _: f.Recorded) -> Account:
    attempts = tuple(replace(a, challenged_at=None) if a.no == fact.attempt else a for a in account.attempts)
    return _with_doubt(replace(account, attempts=attempts), fact.attempt, stands=False)


def _less_credit(account: Account, currency: str, minor: int) -> Account:
    if not minor:
        return account
    left = account.credit.get(currency, 0) - minor
    assert left >= 0, f"account {account.no} would give back more credit than it has"
    credit = {k: v for k, v in account.credit.items() if k != currency}
    if left:
        credit[currency] = left
    return replace(account, credit=credit)


def _refunded(account: Account, fact: f.Refunded, recorded: f.Recorded) -> Account:
    account = _less_credit(account, fact.currency, fact.credit_minor)
    return account if fact.debit is None else _returned(account, fact.debit, recorded)


def _returned(account: Account, debit: f.ReturnedDebit, recorded: f.Recorded) -> Account:
    """A bank debit that was paid has failed after all: its method has, and what it paid has its entry."""
    method, told = account.method(debit.method), debit.tried
    known = next((t for t in method.tried if t.no == told.no), told)
    codes = told.codes if told.codes != Codes() else known.codes
    entry = known.entry or told.no
    debts = tuple(sorted({*known.debts, *debit.debts}))
    again = replace(told, codes=codes, entry=entry, state=AttemptState.DECLINED, returned_at=recorded.at, debts=debts)
    others = [t for t in method.tried if t.no != told.no]
    tried = tuple(sorted((*others, again), key=lambda t: t.no))
    return _with_method(account, debit.method, tried=tried, failed=True)


def _refund_asked(account: Account, fact: f.RefundAsked, _: f.Recorded) -> Account:
    return _less_credit(account, fact.currency, fact.credit_minor)


def _refund_covered(account: Account, fact: f.RefundCovered, _: f.Recorded) -> Account:
    return _less_credit(account, fact.currency, fact.minor)


def _refund_undone(account: Account, fact: f.RefundUndone, _: f.Recorded) -> Account:
    if not fact.credit_minor:
        return account
    credit = {**account.credit, fact.currency: account.credit.get(fact.currency, 0) + fact.credit_minor}
    return replace(account, credit=credit)


def _card_tried(account: Account, _fact: f.CardTried, _: f.Recorded) -> Account:
    return account


def _chargeback_closed(account: Account, _fact: f.ChargebackClosed, _: f.Recorded) -> Account:
    return account


FOLDS: Final[Folds] = {
    f.MethodAdded: _method_added,
    f.MethodActivated: _method_activated,
    f.MethodRenewed: _method_renewed,
    f.MethodSpent: _method_spent,
    f.MethodRemoved: _method_removed,
    f.AttemptCreated: _attempt_created,
    f.AttemptMoved: _attempt_moved,
    f.ChallengeLapsed: _challenge_lapsed,
    f.Refunded: _refunded,
    f.RefundAsked: _refund_asked,
    f.RefundCovered: _refund_covered,
    f.RefundUndone: _refund_undone,
    f.ChargebackClosed: _chargeback_closed,
    f.CardTried: _card_tried,
}
