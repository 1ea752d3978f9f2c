"""Giving money back (spec, section 4, point 10): it reopens nothing."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.payments.values import RefundAnswer, RefundState
from arrears.engine.acting import acting_on
from arrears.engine.payments.attempts import payment_ref
from arrears.engine.payments.providers import Providers
from arrears.ports import AccountsAndMoney


def refund(
    store: AccountsAndMoney, providers: Providers, payment: str, amount_minor: int, now: datetime, author: str, why: str
) -> RefundAnswer:
    """Give back so much of a payment ("provider:reference"), all or a part, at that provider. What it does not answer
    is found by the sweep. Refuses `unknown_payment`, `bad_amount`, `refund_refused`, `not_supported`.

    The key names the payment, the amount and what was given back before: the same request twice is one refund, and a
    second one of the same amount, after the first is in the book, is another.
    """
    record = store.payment(payment)
    provider, _, theirs = payment.partition(":")
    if record is None or not theirs:
        raise Refused("unknown_payment", f"there is no payment {payment!r} in the book")
    fact = record.fact
    back = store.refunded_minor(payment)
    if not 0 < amount_minor <= fact.amount_minor - back:
        most = format_amount(fact.amount_minor - back, fact.currency)
        raise Refused("bad_amount", f"at most {most} of {payment} can be given back")
    key = f"refund-{sha256(f'{payment}|{amount_minor}|{back}'.encode()).hexdigest()}"
    answer = providers.of(provider).refund(theirs, amount_minor, key)
    if answer.state is RefundState.REFUSED:
        raise Refused("refund_refused", f"the provider refused to give back {payment}: {answer.why}")
    if answer.state is not RefundState.DONE or store.refund_known(payment_ref(provider, answer.ref)):
        return answer
    with acting_on(store, record.account, now) as unit:
        credit = min(amount_minor, unit.account.credit.get(fact.currency, 0))
        unit.record(
            f.Refunded(
                ref=payment_ref(provider, answer.ref),
                payment_ref=payment,
                currency=fact.currency,
                amount_minor=amount_minor,
                credit_minor=credit,
            ),
            author,
            why,
        )
    return answer
