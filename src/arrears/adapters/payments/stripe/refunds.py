"""Finding a refund at Stripe by the key with which it was asked for, when Stripe has forgotten that key by itself."""

from __future__ import annotations

import stripe

from arrears.adapters.payments.stripe.events import answering, refund_state
from arrears.core.payments.values import RefundAnswer, RefundState


def find_refund(client: stripe.StripeClient, payment_ref: str, key: str) -> RefundAnswer:
    """What became of the refund of a payment intent whose metadata has this key; REFUSED where there is none."""
    with answering():
        for one in client.v1.refunds.list({"payment_intent": payment_ref, "limit": 100}).auto_paging_iter():
            refund = one.to_dict()
            if (refund.get("metadata") or {}).get("key") == key:
                return RefundAnswer(refund_state(refund), str(refund["id"]))
    return RefundAnswer(RefundState.REFUSED, why="Stripe never got it")
