"""Giving money back (spec, section 4, point 10): it reopens nothing unless staff say so, and is paid out once.

A refund is an act like an attempt: under the account's lock it is compared with what is left of the payment and
recorded, with its key; the provider is asked outside of any transaction, as often as is needed, with that key; under
the lock again its answer is recorded. Whoever asks again with the same request is answered with the same refund.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.payments.trail import KINDS, Refund, trail_of
from arrears.core.payments.values import RefundAnswer, RefundChange, RefundState
from arrears.core.unit import Unit
from arrears.engine.acting import acting_on
from arrears.engine.failpoints import reached
from arrears.engine.payments.attempts import NONE_FOUND_AFTER, payment_ref
from arrears.engine.payments.copies import must_be_ours
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reversals import Reversing, trail_in
from arrears.ports import AccountsAndMoney, MoneyBook, Processor


def refund(
    store: AccountsAndMoney,
    providers: Providers,
    payment: str,
    amount_minor: int,
    now: datetime,
    author: str,
    why: str,
    request: str,
    *,
    reopens: bool = False,
) -> RefundAnswer:
    """Give back so much of a payment ("provider:reference"), all or a part, at that provider. `request` names this one
    for whoever asks: the same request is the same refund, for ever. What is not answered is asked again until it is.
    `reopens`: what that money has paid is owed again from the day on which it has left.

    Refuses `unknown_payment`, `bad_amount`, `request_reused`, `refund_refused`, `not_supported`.
    """
    record = store.payment(payment)
    provider, _, theirs = payment.partition(":")
    if record is None or not theirs:
        raise Refused("unknown_payment", f"there is no payment {payment[:80]!r} in the book")
    providers.of(provider).must_support(Processor.refund)
    must_be_ours(store, record.account, payment)
    with acting_on(store, record.account, now) as unit:
        number = _ask(store, unit, payment, amount_minor, request, author, why, reopens=reopens)
        first = any(isinstance(one.recorded.fact, f.RefundAsked) for one in unit.stored)
    reached("refund.after_begin")
    answer = pursue(store, providers, record.account, number, now, first=first)
    if answer.state is RefundState.REFUSED:
        raise Refused("refund_refused", f"the provider refused to give back {payment}: {answer.why or 'it said no'}")
    return answer


def _ask(
    store: MoneyBook, unit: Unit, payment: str, amount_minor: int, request: str, author: str, why: str, *, reopens: bool
) -> int:
    """Record the refund unless it is recorded; its number within the account."""
    trail = trail_in(store, unit)
    asked = trail.refund_of(request=request)
    if asked is not None:
        if (asked.payment_ref, asked.minor, asked.reopens) != (payment, amount_minor, reopens):
            raise Refused("request_reused", "this request was another refund before; give a new one a name of its own")
        return asked.number
    traced = trail.payments[payment]
    left = traced.amount - traced.taken_back - traced.given_back
    if not 0 < amount_minor <= left:
        most = format_amount(max(0, left), traced.currency)
        raise Refused("bad_amount", f"a refund is more than nothing, and at most {most} of {payment} can be given back")
    number = max(trail.refunds, default=0) + 1
    fact = f.RefundAsked(
        refund=number,
        key=f"refund-{sha256(f'{payment}|{unit.no}|{number}|{request}'.encode()).hexdigest()}",
        request=request,
        payment_ref=payment,
        currency=traced.currency,
        amount_minor=amount_minor,
        credit_minor=min(amount_minor, traced.credit),
        reopens=reopens,
    )
    unit.record(fact, author, why)
    return number


def pursue(
    store: AccountsAndMoney, providers: Providers, account: int, number: int, now: datetime, *, first: bool = False
) -> RefundAnswer:
    """Bring a refund as far as it can be brought now: looked for where somebody may have asked for it already, and
    asked with its key as long as the provider knows that key. How long that is by its clock, ours does not say."""
    asked = _refund(store, account, number)
    if asked.over:
        return _answer(asked)
    must_be_ours(store, account, asked.payment_ref)
    name, _, theirs = asked.payment_ref.partition(":")
    provider = providers.of(name)
    reached("refund.before_call")
    answer = None if first else provider.look_up_refund(theirs, asked.key)
    if answer is None or (not answer.ref and now - asked.asked_at < NONE_FOUND_AFTER):
        answer = provider.refund(theirs, asked.minor, asked.currency, asked.key)
    reached("refund.after_call")
    if answer.state in (RefundState.DONE, RefundState.REFUSED):
        with acting_on(store, account, now) as unit:
            _record(store, unit, name, asked.payment_ref, answer.ref, asked.key, asked.minor, answer.state)
            reached("refund.before_book")
        done = _refund(store, account, number)
        return _answer(done)._replace(why=answer.why)
    return answer


def record_change(store: AccountsAndMoney, provider: str, change: RefundChange, now: datetime) -> None:
    """Record a refund as its provider reports it: one that we asked for, or one that was made there. What failed after
    all is undone, whether that is heard before or after it was done."""
    if change.state not in (RefundState.DONE, RefundState.REFUSED):
        return
    payment = payment_ref(provider, change.payment_ref)
    record = store.payment(payment)
    if record is not None:
        with acting_on(store, record.account, now) as unit:
            _record(store, unit, provider, payment, change.ref, change.key, change.amount_minor, change.state)


def _record(
    store: AccountsAndMoney, unit: Unit, provider: str, payment: str, ref: str, key: str, minor: int, state: RefundState
) -> None:
    """Record that a refund was done, or that it failed. What failed stays undone, whatever is told late; a failure of
    which nothing was known leaves its name, so that what is told late is known to be over."""
    trail = trail_in(store, unit)
    traced = trail.payments[payment]
    named = payment_ref(provider, ref) if ref else ""
    known = trail.refund_of(ref=named) or trail.refund_of(key=key)
    if known is not None and known.ref not in ("", named):
        known = None  # another refund under our key: more money has left
    done, reopens = state is RefundState.DONE, known is not None and known.reopens
    if known is not None and known.undone and not known.ref and done:
        known = None  # said to be refused, and money has left after all
    reversing, reversal = Reversing(store, unit, provider, trail, traced), traced.reversals.get(named)
    if done and (reversal is not None or (known is not None and known.over)):
        return
    if done and reopens:
        reversing.given_back(named, minor, known)
    elif done or (known is None and reversal is None and named):
        fact = f.Refunded(
            ref=named,
            payment_ref=payment,
            currency=traced.currency,
            amount_minor=minor,
            credit_minor=min(minor, traced.credit) if known is None and done else 0,
            refund=0 if known is None else known.number,
        )
        trail.take(unit.record(fact, f"provider:{provider}", "refund"))
        known = trail.refund_of(ref=named)
    if not done and known is not None and not known.undone:
        left = known.credit if reversal is not None else known.minor
        # What a bank has taken beyond what the payment had meanwhile is taken of this.
        credit = min(known.credit, max(0, traced.may_pay(-known.credit) - traced.pays))
        undone = f.RefundUndone(
            refund=known.number,
            ref=named,
            payment_ref=payment,
            currency=traced.currency,
            amount_minor=left if known.left else 0,
            credit_minor=credit,
        )
        unit.record(undone, f"provider:{provider}", "refund failed")
    if not done and reversal is not None and not reversal.undone:
        reversing.came_back(named)


def _refund(store: MoneyBook, account: int, number: int) -> Refund:
    trail = trail_of(store.facts_of([account], KINDS)[account])
    return trail.refunds[number]


def _answer(refund: Refund) -> RefundAnswer:
    ref = refund.ref.partition(":")[2]
    return RefundAnswer(RefundState.REFUSED if refund.undone else RefundState.DONE, ref)
