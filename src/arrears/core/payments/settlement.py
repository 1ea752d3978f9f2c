"""What a settlement takes: every past-due debt of the account, of every service, in one sum per currency.

Spec, section 4: not what is held, disputed or settled separately; net of account credit, which has been allocated
before anything is shown. Of what is promised for later days it takes what is due by now, and all of it where the payer
asks for that. What is shown is what is charged: the hash of a quote is compared under the account's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from typing import Final, NamedTuple

from arrears.core.account import Account, Debt, DebtPart, Method
from arrears.core.payments.arranged import due_parts
from arrears.core.payments.limits import charge_of
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, MethodKind
from arrears.core.view import View

PART_MINIMUM_MINOR: Final = 100
"""The smallest part that may be paid after a failed settlement, in minor units; less costs more than it brings."""


class Quote(NamedTuple):
    """One currency of a settlement: the sum, its parts by debt, their invoice numbers, and the hash of it all."""

    account: int
    currency: str
    amount_minor: int
    parts: tuple[DebtPart, ...]
    numbers: tuple[str, ...]
    hash: str


def settlement_set(view: View) -> list[Debt]:
    """The debts that a settlement pays: past due, and rests within the tolerance whose day has passed. What is not due
    yet is never demanded, however small (spec, section 3, Amounts)."""
    account = view.account
    return [
        d
        for d in account.debts
        if not d.settled_separately
        and not account.debt_is_held(d.no)
        and (d.day_0 is not None or (view.too_small(d) and _day_has_passed(view, d)))
    ]


def _day_has_passed(view: View, debt: Debt) -> bool:
    return debt.past_due_from is not None or debt.due_on < view.today


def quotes(view: View, also: Iterable[int] = ()) -> list[Quote]:
    """One quote for each currency, by name; `also` adds debts that are not due yet, which are offered, never added. A
    sum of which the payment provider can take nothing is in none: it is carried to the next invoice."""
    account = view.account
    asked = {debt.no: debt.open_minor for debt in settlement_set(view)}
    for arrangement in account.arrangements:
        for part in due_parts(account, arrangement, view.today):
            asked.setdefault(part.debt, part.minor)
    chosen = set(also)
    for debt in account.debts:
        if debt.no in chosen and not debt.settled_separately and not account.debt_is_withheld(debt.no):
            asked[debt.no] = debt.open_minor
    currency_of = {debt.no: debt.currency for debt in account.debts}
    every = [
        quote_for(account, currency, tuple(DebtPart(no, m) for no, m in asked.items() if currency_of[no] == currency))
        for currency in sorted({currency_of[no] for no in asked})
    ]
    return [one for one in every if charge_of(view.guards.limits, one.currency, one.amount_minor)]


def quote_for(account: Account, currency: str, parts: tuple[DebtPart, ...]) -> Quote:
    """The quote for exactly these parts."""
    amount = sum(p.minor for p in parts)
    # A debt whose money left again is another one than the one that was paid: nobody is answered with that payment.
    marks = {d.no: f":{d.reopened_seq}" for d in account.debts if d.reopened_seq}
    # Two instalments of one invoice may be the same sum: what is open of it says which of them is paid.
    marks |= {d.no: f"{marks.get(d.no, '')}/{d.open_minor}" for d in account.debts if account.arrangement_on(d.no)}
    listed = ",".join(f"{p.debt}:{p.minor}{marks.get(p.debt, '')}" for p in parts)
    digest = sha256(f"quote|{account.no}|{currency}|{amount}|{listed}".encode()).hexdigest()
    numbers = {d.no: d.number for d in account.debts}
    return Quote(account.no, currency, amount, parts, tuple(numbers.get(p.debt, "") for p in parts), digest)


def in_part(quote: Quote, account: Account, amount_minor: int) -> Quote:
    """The first so many minor units of a quote, oldest due date first."""
    left = amount_minor
    parts = []
    for part in quote.parts:
        if left <= 0:
            break
        parts.append(DebtPart(part.debt, min(left, part.minor)))
        left -= parts[-1].minor
    return quote_for(account, quote.currency, tuple(parts))


def nothing_because(view: View) -> str:
    """Why a settlement would take nothing of this account now, as a clause; for whom there is no quote."""
    if settlement_set(view):
        return "what is owed is less than a payment can take, and is carried to the next invoice"
    past_due = view.account.past_due
    if not past_due:
        return "nothing is owed"
    if all(view.account.debt_is_held(debt.no) for debt in past_due):
        promised = any(view.account.arrangement_on(debt.no) for debt in past_due)
        return "what is owed is promised for a later day" if promised else "what is owed is held or disputed"
    return "what is owed is settled separately"


def settles_first(view: View) -> bool:
    """Whether something past due can be settled now: then it is the settlement that makes a method active, not the
    wish alone (spec, section 4, point 1). What is held, or can never be taken, keeps nobody from another card."""
    past_due = {debt.no for debt in view.account.past_due}
    return any(part.debt in past_due for quote in quotes(view) for part in quote.parts)


def waits_for_an_outcome(account: Account, quote: Quote) -> bool:
    """Whether a payment for some of this is under way that only its outcome can end: neither its payer nor a new
    settlement can, so nothing else is asked for until then."""
    attempt = account.attempt_on(part.debt for part in quote.parts)
    return attempt is not None and not attempt.on_page and attempt.state is not AttemptState.NEEDS_CUSTOMER


class PartRange(NamedTuple):
    """From how much to how much a quote may be paid in part, in minor units."""

    least_minor: int
    most_minor: int


def part_range(view: View, quote: Quote) -> PartRange | None:
    """What a part of this quote can be; None where it is paid at once: nothing of it has failed yet or is promised for
    later days, and it is no more than one charge takes, or it is smaller than the smallest part (spec, section 4, point
    9)."""
    account, limits = view.account, view.guards.limits.get(quote.currency)
    failed = any(m.failed for m in account.methods)
    tried = any(d.tries for d in account.debts if any(p.debt == d.no for p in quote.parts))
    promised = any(account.arrangement_on(p.debt) for p in quote.parts)
    at_once = limits is None or quote.amount_minor <= limits.maximum_minor
    least = PART_MINIMUM_MINOR if limits is None else max(PART_MINIMUM_MINOR, limits.minimum_minor)
    if (at_once and not (failed or tried or promised)) or quote.amount_minor < least:
        return None
    return PartRange(least, quote.amount_minor)


def less(parts: Iterable[DebtPart], amount_minor: int) -> tuple[DebtPart, ...]:
    """What is left of these parts when the first so many minor units are paid."""
    found, left = [], amount_minor
    for part in parts:
        taken = min(left, part.minor)
        left -= taken
        if part.minor > taken:
            found.append(DebtPart(part.debt, part.minor - taken))
    return tuple(found)


def attempt_key(quote: Quote, method: int, ordinal: int, identity: str) -> str:
    """The idempotency key, made of account, settlement set, amount and currency (all in the quote's hash), method,
    ordinal and the installation's identity (another one may have all the rest at the same provider): the same attempt
    has the same key whoever computes it; a new one only when every earlier attempt for these debts is proven finished
    (`ordinal` counts those)."""
    of = f"|{identity}" if identity else ""
    return f"arrears-{sha256(f'attempt|{quote.hash}|{method}|{ordinal}{of}'.encode()).hexdigest()}"


def ordinal_of(account: Account, parts: Iterable[DebtPart]) -> int:
    """How many attempts for these debts are proven finished."""
    wanted = {p.debt for p in parts}
    return sum(d.tries for d in account.debts if d.no in wanted)


def usable(method: Method, today: date) -> bool:
    """Whether a method could be charged at all on this day."""
    expired = method.kind is MethodKind.CARD and method.expires_on is not None and method.expires_on < today
    return method.durable and not method.removed and not expired


def unconfirmed(account: Account, method: Method) -> bool:
    """Whether the last payment with a method waits for its payer at the bank, or was not confirmed there: left, timed
    out, or given up for another. Its bank has declined nothing (spec, section 4, point 6)."""
    if any(one.method == method.no and one.state is AttemptState.NEEDS_CUSTOMER for one in account.attempts):
        return True
    tried = [one for one in method.tried if one.codes.decline != REQUEST_REFUSED]
    last = max(tried, key=lambda one: one.no, default=None)
    if last is None or not method.failed:
        return False
    return last.state is AttemptState.CANCELED or last.codes.decline == "authentication_required"


def moves_with(account: Account, method: int) -> tuple[int, ...]:
    """The subscriptions that a successful settlement moves to `method`: all whose active method has failed, works no
    more, or that have none; the others keep theirs."""
    moved = []
    for sub in account.subscriptions:
        if sub.method == method:
            continue
        active = account.method(sub.method) if sub.method else None
        if active is None or active.failed or active.removed or not active.durable:
            moved.append(sub.no)
    return tuple(moved)
