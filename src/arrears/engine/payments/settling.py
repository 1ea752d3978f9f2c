"""Settling: everything owed, in one act per currency, once (spec, section 4).

Three steps for each currency: under the account's lock the quote is compared and the attempt recorded; outside any
transaction the provider is asked; under the lock again its outcome is recorded with all that follows. Pages, console,
API, command line and simulator call the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.account import DebtPart
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.core.payments.limits import charge_of
from arrears.core.payments.settlement import (
    Quote,
    attempt_key,
    in_part,
    less,
    nothing_because,
    ordinal_of,
    part_range,
    quote_for,
    quotes,
)
from arrears.core.payments.values import AttemptState, Initiator, NeedsCustomer
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import seeing
from arrears.engine.failpoints import reached
from arrears.engine.payments.attempts import attempt_ref, pursue
from arrears.engine.payments.canceling import cancel_open_attempts
from arrears.engine.payments.permitted import must_be_permitted
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.wanted import waits_for_nothing
from arrears.ports import AccountReader, AccountsAndMoney, AttemptRecord, MoneyBook


class Result(NamedTuple):
    """What became of one currency: the attempt as the book now has it. `joined`: it was somebody's first, and this
    is its answer. `url`: where the payer confirms it at the bank, if the bank asks for that."""

    attempt: AttemptRecord
    joined: bool = False
    url: str = ""


class Results(list[Result]):
    """What became of each currency that was tried, by its name; `refused` says why any other was not, by currency."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, Refused] = {}


class StaleQuote(Refused):
    """What is owed is no longer what was shown. `now_owed` is what to show instead."""

    def __init__(self, now_owed: Sequence[Quote]) -> None:
        sums = ", ".join(format_amount(q.amount_minor, q.currency) for q in now_owed) or "nothing"
        super().__init__("stale_quote", f"what is owed has changed: it is now {sums}; look at it again before you pay")
        self.now_owed = tuple(now_owed)


def quote(store: AccountReader, account: int, now: datetime, also: Iterable[int] = ()) -> list[Quote]:
    """What a settlement would take, one quote for each currency."""
    return quotes(_seen(store, account, now), also)


def _seen(store: AccountReader, account: int, now: datetime) -> View:
    snapshot = store.snapshots([account]).get(account)
    if snapshot is None:
        raise Refused("unknown_account", f"there is no account {format_id(ACCOUNT, account)}")
    return View(store.policies(), snapshot, store.system().guards, now)


def nothing_shown(store: AccountReader, account: int, now: datetime, also: Iterable[int] = ()) -> Refused:
    """Why a request to pay that names no currency is refused: `stale_quote` with what is owed after all, else
    `nothing_owed` with the reason why nothing can be paid."""
    view = _seen(store, account, now)
    owed = quotes(view, also)
    return StaleQuote(owed) if owed else Refused("nothing_owed", f"{nothing_because(view)}, so nothing was charged")


def settle(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    shown: Mapping[str, str],
    method: int,
    now: Callable[[], datetime],
    author: str,
    *,
    also: Iterable[int] = (),
    part_minor: Mapping[str, int] | None = None,
    wait: Callable[[int], None] = lambda _: None,
) -> Results:
    """Pay everything that was shown: `shown` is the hash of each currency's quote, `part_minor` how much of it where
    that is less. One attempt a currency, one after the other, each recorded by itself; after one that is declined or
    refused the others are still tried. `wait` is called with an attempt that somebody else started with the same
    request, so that its answer may come first.

    Refuses `stale_quote` with what is owed now, `nothing_owed`, `bad_part`, `bad_amount`, `parts_after_failure`,
    `unknown_method`, `never_retry`, `retry_later`, `method_expired`, `method_not_usable`, `attempt_in_flight`,
    `no_such_provider`, where nothing at all was tried; a decline is no refusal but a result.
    """
    if not shown:
        raise nothing_shown(store, account, now(), also)
    parts = _parts_of(shown, part_minor or {})
    results = Results()
    for currency in sorted(shown):
        part = parts.get(currency, 0)
        try:
            started = _begin(store, providers, account, currency, shown[currency], method, now(), author, also, part)
        except Refused as refused:
            results.refused[currency] = refused
            continue
        if started.fresh:
            reached("attempt.after_begin")
        else:
            wait(started.attempt)
        left = pursue(store, providers, account, started.attempt, now())
        if left is not None and left.state is AttemptState.UNKNOWN:
            # The answer was lost; most often the provider can already say what became of it.
            pursue(store, providers, account, started.attempt, now())
        record = _record_of(store, account, started.attempt)
        results.append(Result(record, not started.fresh, confirm_at(store, providers, account, record)))
        results += _rest(store, providers, account, started, record, now, author)
    if not results:
        # What has changed is said before what is impossible: a new look comes first.
        raise min(results.refused.values(), key=lambda refused: not isinstance(refused, StaleQuote))
    return results


def _rest(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    started: _Started,
    first: AttemptRecord,
    now: Callable[[], datetime],
    author: str,
) -> Iterator[Result]:
    """The further attempts for what was more than the provider takes at once, each after the one before was paid."""
    left, record = started.rest, first
    while left and record.state == AttemptState.PAID:
        with seeing(store, account, now()) as (unit, view):
            whole = quote_for(unit.account, record.currency, _still_open(unit, left))
            amount = charge_of(view.guards.limits, record.currency, whole.amount_minor)
            if not amount or unit.account.attempt_on(p.debt for p in whole.parts) is not None:
                return
            paid = in_part(whole, unit.account, amount)
            by, ours = Initiator.CUSTOMER, view.guards.identity
            number = record_attempt(
                unit, paid, record.method, by, author, shown=first.quote, identity=ours, in_part=True
            )
            left = less(whole.parts, amount)
        pursue(store, providers, account, number, now())
        record = _record_of(store, account, number)
        yield Result(record, joined=False, url=confirm_at(store, providers, account, record))


def _still_open(unit: Unit, parts: Iterable[DebtPart]) -> tuple[DebtPart, ...]:
    """What of these parts is still open and may be asked for."""
    open_minor = {d.no: d.open_minor for d in unit.account.debts if not unit.account.debt_is_withheld(d.no)}
    return tuple(DebtPart(p.debt, min(p.minor, open_minor[p.debt])) for p in parts if open_minor.get(p.debt))


def _parts_of(shown: Mapping[str, str], part_minor: Mapping[str, int]) -> Mapping[str, int]:
    """How much of each currency is to be paid, where that is less than what was shown. A part of anything else is
    refused: left out, it would charge the whole of what the payer wanted to pay in part."""
    for currency, minor in part_minor.items():
        if currency not in shown:
            raise Refused("bad_part", f"part_minor names {currency!r}; it can name only {', '.join(sorted(shown))}")
        if minor <= 0:
            raise Refused("bad_part", f"part_minor says {minor} for {currency}; a part is more than nothing")
    return part_minor


def confirm_at(store: AccountsAndMoney, providers: Providers, account: int, attempt: AttemptRecord) -> str:
    """Where the payer confirms an attempt that waits for that; empty for any other, and for what is not owed any more,
    which the sweep ends at the provider."""
    if attempt.state != AttemptState.NEEDS_CUSTOMER or attempt.on_page:
        return ""
    snapshot = store.snapshots([account])[account]
    asked = snapshot.attempt(attempt.no)
    if asked is not None and waits_for_nothing(snapshot, asked):
        return ""
    method = store.method(account, attempt.method)
    reference = attempt_ref(account, attempt.no)
    found = providers.of(method.at_provider).look_up(reference, method.customer_ref, attempt.ref, attempt.created_at)
    return found.url if isinstance(found, NeedsCustomer) else ""


def confirm(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    attempt: AttemptRecord,
    now: Callable[[], datetime],
    author: str,
) -> Result | None:
    """Let the payer confirm an attempt that waits for that; None where none waits.

    A charge of ours was made without the payer, and nobody can confirm it any more: the same sum is charged once more
    by the same method, with the payer there. Refuses `stale_quote` where that is not what is owed, and what `settle`
    refuses.
    """
    if attempt.state != AttemptState.NEEDS_CUSTOMER or attempt.on_page:
        return None
    url = confirm_at(store, providers, account, attempt)
    if url:
        return Result(attempt, joined=True, url=url)
    owed = quote(store, account, now())
    same = next((q for q in owed if (q.currency, q.amount_minor) == (attempt.currency, attempt.amount_minor)), None)
    if same is None:
        raise StaleQuote(owed)
    [result] = settle(store, providers, account, {same.currency: same.hash}, attempt.method, now, author)
    return result


class _Started(NamedTuple):
    """An attempt of this request; `rest` is what it leaves of what was shown, being more than can be taken at once."""

    attempt: int
    fresh: bool
    rest: tuple[DebtPart, ...] = ()


def _begin(
    store: AccountsAndMoney,
    providers: Providers,
    account: int,
    currency: str,
    shown: str,
    method: int,
    now: datetime,
    author: str,
    also: Iterable[int],
    part_minor: int,
) -> _Started:
    also = tuple(also)
    # A part of what was shown is another request than the whole of it.
    request = f"{shown}/{part_minor}" if part_minor else shown
    known = _same_request(store, account, request, method)
    if known is not None:
        return known
    # What would be refused ends nothing that waits for the payer.
    may = partial(_must_be_permitted, store, method, part_minor, now)
    cancel_open_attempts(store, providers, account, currency, shown, also, now, may)
    with seeing(store, account, now) as (unit, view):
        owed, guards = quotes(view, also), view.guards
        wanted = next((q for q in owed if q.currency == currency), None)
        if wanted is None or wanted.hash != shown:
            # Somebody with the same request may have been first, and be done.
            known = _same_request(store, account, request, method)
            if known is not None:
                return known
            raise StaleQuote(owed)
        open_attempt = unit.account.attempt_on(p.debt for p in wanted.parts)
        if open_attempt is not None:
            if (open_attempt.quote, open_attempt.method) == (request, method):
                return _Started(open_attempt.no, fresh=False)
            raise Refused("attempt_in_flight", "a payment for this is under way; wait for its outcome, then look again")
        asked = _part(view, wanted, part_minor) if part_minor else wanted
        amount = charge_of(guards.limits, currency, asked.amount_minor)
        paid = asked if amount in (0, asked.amount_minor) else in_part(asked, unit.account, amount)
        on_file, elsewhere = store.method_and_tries(account, method)
        must_be_permitted(unit.account, method, paid.amount_minor, currency, elsewhere, now)
        providers.of(on_file.at_provider).takes(paid.amount_minor, currency)
        in_parts = bool(part_minor) or paid is not asked
        by, ours = Initiator.CUSTOMER, guards.identity
        number = record_attempt(unit, paid, method, by, author, shown=request, identity=ours, in_part=in_parts)
    return _Started(number, fresh=True, rest=less(asked.parts, paid.amount_minor))


def record_attempt(
    unit: Unit,
    wanted: Quote,
    method: int,
    by: Initiator,
    author: str,
    *,
    shown: str,
    identity: str,
    in_part: bool = False,
    page_at: str = "",
) -> int:
    """Record an attempt with its key, before anybody is asked; its number. `identity` is the installation's, `page_at`
    the provider whose page it is for, where it is not for a method."""
    number = unit.account.attempt_count + 1
    ordinal = ordinal_of(unit.account, wanted.parts)
    unit.record(
        f.AttemptCreated(
            attempt=number,
            key=attempt_key(wanted, method, ordinal, identity),
            ordinal=ordinal,
            method=method,
            by=by,
            currency=wanted.currency,
            amount_minor=wanted.amount_minor,
            parts=wanted.parts,
            quote=shown,
            on_page=bool(page_at),
            activates=not page_at,
            in_part=in_part,
            at_provider=page_at,
        ),
        author,
    )
    return number


def _same_request(store: AccountsAndMoney, account: int, shown: str, method: int) -> _Started | None:
    """The attempt that answers this very request: open, or paid. One that was declined, or whose challenge has
    lapsed, is answered by a new one."""
    for attempt in reversed(store.attempts(account)):
        if attempt.quote == shown and attempt.method == method:
            left = store.snapshots([account])[account].attempt(attempt.no)
            lapsed = left is not None and left.state is AttemptState.NEEDS_CUSTOMER and left.challenged_at is None
            if lapsed or attempt.state in ("declined", "canceled"):
                return None
            return _Started(attempt.no, fresh=False)
    return None


def _must_be_permitted(
    store: AccountsAndMoney, method: int, part_minor: int, now: datetime, view: View, wanted: Quote
) -> None:
    account, wanted = view.account, _part(view, wanted, part_minor) if part_minor else wanted
    if not any(m.no == method for m in account.methods):
        raise Refused("unknown_method", f"there is no payment method {method} on {format_id(ACCOUNT, account.no)}")
    elsewhere = store.method_and_tries(account.no, method)[1]
    must_be_permitted(account, method, wanted.amount_minor, wanted.currency, elsewhere, now)


def _part(view: View, wanted: Quote, part_minor: int) -> Quote:
    account, limits = view.account, view.guards.limits.get(wanted.currency)
    possible = part_range(view, wanted)
    if possible is None:
        raise Refused("parts_after_failure", "parts can be paid once a payment of the whole sum has failed")
    least, most = possible
    if not least <= part_minor <= most:
        says = f"at least {format_amount(least, wanted.currency)} and at most"
        raise Refused("bad_amount", f"a part is {says} {format_amount(most, wanted.currency)}")
    if limits is not None and part_minor % limits.step_minor and part_minor < most:
        step = format_amount(limits.step_minor, wanted.currency)
        raise Refused("bad_amount", f"exactly this cannot be charged; a part is a multiple of {step}")
    rest = wanted.amount_minor - part_minor
    if limits is not None and limits.step_minor <= rest < limits.minimum_minor:
        says = f"leave nothing or at least {format_amount(limits.minimum_minor, wanted.currency)}"
        raise Refused("bad_amount", f"what is left could not be paid by card; a part must {says}")
    return in_part(wanted, account, part_minor)


def _record_of(store: MoneyBook, account: int, number: int) -> AttemptRecord:
    return next(a for a in store.attempts(account) if a.no == number)
