"""Giving money back at Stripe, and finding a refund by its key when Stripe itself has forgotten that."""

from __future__ import annotations

import stripe

from arrears.adapters.payments.stripe.answers import answering, is_ours, refusal
from arrears.adapters.payments.stripe.codes import not_certain
from arrears.adapters.payments.stripe.events import refund_state
from arrears.core.payments.values import RefundAnswer, RefundState


def give_back(
    client: stripe.StripeClient, payment_ref: str, amount: int, key: str, ours: dict[str, str]
) -> RefundAnswer:
    """Give back so much of a payment intent, in its units; the same key is the same refund while Stripe knows it.
    `ours` is metadata."""
    try:
        refund = client.v1.refunds.create(
            {"payment_intent": payment_ref, "amount": amount, "metadata": {"key": key, **ours}},
            {"idempotency_key": key},
        ).to_dict()
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        return RefundAnswer(RefundState.REFUSED, why=(error.user_message or "refused by Stripe")[:300])
    except stripe.StripeError as error:
        if is_ours(error):
            raise refusal(error) from error
        return RefundAnswer(RefundState.UNKNOWN, why=not_certain(error))
    why = str(refund.get("failure_reason") or refund.get("pending_reason") or "")
    return RefundAnswer(refund_state(refund), str(refund["id"]), why)


def find_refund(client: stripe.StripeClient, payment_ref: str, key: str) -> RefundAnswer:
    """What became of the refund of a payment intent whose metadata has this key; REFUSED where there is none."""
    with answering():
        for one in client.v1.refunds.list({"payment_intent": payment_ref, "limit": 100}).auto_paging_iter():
            refund = one.to_dict()
            if (refund.get("metadata") or {}).get("key") == key:
                return RefundAnswer(refund_state(refund), str(refund["id"]))
    return RefundAnswer(RefundState.REFUSED, why="Stripe never got it")
