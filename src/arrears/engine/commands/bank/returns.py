"""What the bank takes back: a debit that returns a credit, whichever of the two came first, and whatever became of the
credit meanwhile. Both are closed together, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from arrears.core.account import DoubtKind
from arrears.core.bank.statements import NO_REFERENCE
from arrears.core.facts import ARREARS
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.engine import correcting
from arrears.engine.acting import acting
from arrears.engine.doubting import end_doubt
from arrears.ports.bank import AccountsAndBank, CreditState, StoredCredit


def take_back_returned(store: AccountsAndBank, one: StoredCredit, now: datetime) -> None:
    """A debit that gives back one credit, and only one, takes it back; another that says that it does waits for that
    credit or for a person, and any other is money that we paid."""
    if not one.amount_minor or not (one.transaction.returned or one.reversal):
        store.decide_credit(one.number, [CreditState.NEW], CreditState.NOTED, "money that went out", ARREARS, now)
    elif (meant := _meant(one, store.credits_like([one.number]).get(one.number, ()))) is not None:
        close_with(store, one, meant, f"takes back credit {meant.number}", ARREARS, now)
    else:
        why = "it takes something back, and nobody can tell what"
        store.decide_credit(one.number, [CreditState.NEW], CreditState.WAITING, why, ARREARS, now)


def look_at_returns(store: AccountsAndBank, now: datetime) -> None:
    """Look again at the returns that wait: what they take back may have come since. Of which a person has said what
    they do not take back waits for a person."""
    waiting = store.waiting_returns(ARREARS)
    like = store.credits_like([one.number for one in waiting]) if waiting else {}
    for one in waiting:
        if (meant := _meant(one, like.get(one.number, ()))) is not None:
            close_with(store, one, meant, f"takes back credit {meant.number}", ARREARS, now)


def _meant(one: StoredCredit, like: Sequence[StoredCredit]) -> StoredCredit | None:
    """The only one that a return names; where it names none, the only one from its IBAN, if that is booked."""
    named = [credit for credit in like if _names(one, credit)]
    if named:
        return named[0] if len(named) == 1 else None
    return like[0] if len(like) == 1 and like[0].state is CreditState.MATCHED else None


def _names(one: StoredCredit, credit: StoredCredit) -> bool:
    """Whether a return has the bank's reference of a credit, or its payer's where it is not the return of another
    payer, as two may use the same."""
    said, its = one.transaction, credit.transaction
    if one.bank_reference and one.bank_reference == credit.bank_reference:
        return True
    payers = {said.iban, its.iban} - {"", one.own_iban}
    return said.end_to_end == its.end_to_end and said.end_to_end.upper() not in NO_REFERENCE and len(payers) < 2


def close_with(
    store: AccountsAndBank, one: StoredCredit, credit: StoredCredit, why: str, author: str, now: datetime
) -> None:
    """A return takes back a credit: what that was booked as is taken back, or it is never booked, and both are
    closed in one transaction. Nothing changes where somebody has decided about the credit meanwhile."""
    returned = f"the bank returned it ({one.booked_on})"
    close = partial(
        store.decide_credit, one.number, [one.state], CreditState.RETURNED, why, author, now, takes_back=credit.number
    )
    take_back(store, credit, CreditState.RETURNED, returned, author, now, close)


def take_back(
    store: AccountsAndBank,
    one: StoredCredit,
    state: CreditState,
    why: str,
    author: str,
    now: datetime,
    then: Callable[[], object] = lambda: None,
) -> None:
    """Take back everything that a credit was booked as, wherever that money is now, and end the doubts of those whose
    it might have been. Each account in a transaction of its own, the last of which ends the doubts, says that it is
    done, and does what is to be done with that (`then`); what was taken back before is left as it is."""
    parts, doubted = store.parts_of(one.number), store.doubted_by(one.number)
    booked = sorted({part.account for part in parts})
    last = [*booked[-1:], *doubted]
    for some in (*([account] for account in booked[:-1]), last):
        with acting(store, some, now) as units:
            for account, unit in units.items():
                known = known_of(store.facts_of([account], KINDS)[account], IMPORTER)
                for part in parts:
                    payment = known.payments.get(part.ref)
                    if part.account == account and payment is not None and payment.minor:
                        correcting.take_back(unit, known, payment, payment.minor, author, why)
                if some is last and account in doubted:
                    end_doubt(store, unit, DoubtKind.BANK_CREDIT, f"bank:{one.number}", ARREARS)
            if some is last and store.decide_credit(one.number, [one.state], state, why, author, now):
                store.undo_parts(one.number)
                store.forget_payers(one.number)
                store.set_doubted(one.number, {})
                then()
