"""What pays for a debt, and what the planner is asked about one attempt with it."""

from __future__ import annotations

from arrears.core.account import Account, Debt, Method
from arrears.core.payments.planner import NEW_ENTRY, Tried, Wanted
from arrears.core.payments.values import AttemptState, Initiator, MethodKind, takes_currency


def paying(account: Account, debt: Debt) -> Method | None:
    """The method that pays for a debt: the active one of its first subscription that has one that works, and can pay
    in its currency. What only its currency keeps those from paying is paid by the default method, or else by the one
    that pays for the newest other subscription."""
    own = [s.method for s in account.subscriptions if s.no in debt.subscriptions and s.method]
    works = [no for no in own if _works(account.method(no))]
    others = [account.default_method, *(s.method for s in reversed(account.subscriptions))] if works else []
    every = (account.method(no) for no in (*works, *others) if no)
    return next((m for m in every if _works(m) and takes_currency(m.kind, debt.currency)), None)


def _works(method: Method) -> bool:
    return method.durable and not method.removed


def history_of(account: Account, method: Method, besides: int = 0) -> list[Tried]:
    """Everything tried on the same card or bank account, whichever method it was added as; of a card also what is under
    way, but for the attempt `besides`. What waits for its payer has not been decided."""
    same = {m.no: m for m in account.methods if m.credential == method.credential}
    tried = [t for m in same.values() for t in m.tried]
    under_way = account.attempts if method.kind is MethodKind.CARD else ()
    return tried + [
        Tried(a.no, a.created_at, a.by, a.amount_minor, a.currency, a.state)
        for a in under_way
        if a.method in same and a.no != besides and a.state is not AttemptState.NEEDS_CUSTOMER
    ]


def wanted_of(method: Method, amount_minor: int, currency: str, by: Initiator, entry: int = NEW_ENTRY) -> Wanted:
    """What the planner is asked about one attempt. A bank debit that presents no earlier one again is a new entry, as
    is every one that the customer asks for."""
    return Wanted(
        kind=method.kind,
        network=method.network,
        country=method.country,
        expires_on=method.expires_on if method.kind is MethodKind.CARD else None,
        durable=method.durable,
        amount_minor=amount_minor,
        currency=currency,
        by=by,
        renewed_at=method.renewed_at,
        entry=0 if method.kind is MethodKind.CARD else entry,
    )
