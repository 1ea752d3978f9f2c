"""The test cards: what each pretends to be, and what its bank says."""

from __future__ import annotations

from typing import Final, NamedTuple


class CardDecline(NamedTuple):
    """A bank's no: Stripe's decline code, the network's response code, and the network's advice if it gave one."""

    code: str
    decline_code: str
    network_code: str
    advice_code: str = ""
    network_advice: str = ""


class Card(NamedTuple):
    """One test card. `challenge`: the bank wants to see the customer for every payment. `advice` also comes with an
    approval (Mastercard 40, 41: prepaid, single use)."""

    name: str
    number: str
    brand: str
    funding: str
    country: str
    words: str
    decline: CardDecline | None = None
    challenge: bool = False
    advice: str = ""
    kind: str = "card"


CARDS: Final[tuple[Card, ...]] = (
    Card("approve", "4242424242424242", "visa", "credit", "NL", "Visa that pays"),
    Card("approve_mastercard", "5555555555554444", "mastercard", "debit", "DE", "Mastercard that pays"),
    Card(
        "insufficient_funds",
        "4000000000009995",
        "visa",
        "debit",
        "NL",
        "Visa without enough money",
        CardDecline("card_declined", "insufficient_funds", "51", "try_again_later"),
    ),
    Card(
        "generic",
        "4000000000000002",
        "visa",
        "credit",
        "NL",
        "Visa that is declined without a reason",
        CardDecline("card_declined", "generic_decline", "05", "try_again_later"),
    ),
    Card(
        "lost",
        "4000000000009987",
        "visa",
        "credit",
        "NL",
        "Visa that was reported lost",
        CardDecline("card_declined", "lost_card", "41", "do_not_try_again"),
    ),
    Card(
        "do_not_honor",
        "5200000000000031",
        "mastercard",
        "credit",
        "DE",
        "Mastercard that is never to be tried again",
        CardDecline("card_declined", "do_not_honor", "05", "do_not_try_again", "03"),
    ),
    Card(
        "wait_a_day",
        "5200000000000253",
        "mastercard",
        "credit",
        "DE",
        "Mastercard to be tried again after 24 hours",
        CardDecline("card_declined", "insufficient_funds", "51", "try_again_later", "25"),
    ),
    Card(
        "expired",
        "4000000000000069",
        "visa",
        "credit",
        "NL",
        "Visa that has expired",
        CardDecline("expired_card", "expired_card", "54"),
    ),
    Card("challenge", "4000002760003184", "visa", "credit", "NL", "Visa whose bank asks you to confirm", None, True),
    Card("prepaid", "5105105105105100", "mastercard", "prepaid", "NL", "Prepaid Mastercard"),
    Card(
        "single_use", "5200000000000411", "mastercard", "credit", "NL", "Mastercard that works only once", advice="41"
    ),
)
