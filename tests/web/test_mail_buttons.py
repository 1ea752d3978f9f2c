"""Where the button of each message leads: to the page that does, or shows, what its words say."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from typing import Final

import pytest
from msgspec.structs import replace

from arrears import wiring
from arrears.core.closed import closed
from arrears.core.messages.content import DebtLine
from arrears.core.messages.kinds import ACCOUNT_PAGES, KINDS, LeadsTo, MessageKind
from arrears.engine.messages.addressing import sums_of
from arrears.notices.samples import for_reader, sample

DEBTS: Final = (DebtLine("2026-00412", date(2026, 1, 1), 9_680, "EUR", ("cloud",)),)

BUTTONS: Final = """
due_soon                 See it in the account centre       invoices
by_transfer              See it in the account centre       account
hold_ends                See it in the account centre       account
reminder                 Pay {{ sums }}                     paying
declined                 Pay {{ sums }}                     paying
confirm                  Confirm {{ sums }}                 paying
authorisation_declined   Look at your payment methods       methods
stop_warning             Pay {{ sums }}                     paying
deletion_warning         Pay {{ sums }}                     paying
last_call                Pay {{ sums }}                     paying
retention_ends           See what brings it back            subscriptions
stopped                  Pay {{ sums }}                     paying
deleted                  See it in the account centre       account
settled                  BY_CASE                            invoices
resumed                  BY_CASE                            subscriptions
canceled                 BY_CASE                            subscriptions
reactivated              BY_CASE                            subscriptions
card_expires             Renew the card                     methods
confirm_address          Confirm this address               confirming
address_changed          Look at the contact address        profile
administrator_changed    Tell us if this is not right       help
invitation               Accept the invitation              invitation
password_reset           Choose a new password              new_password
sign_in_changed          Look at sign-in and security       security
paid_after_deletion      See it in the account centre       account
credit_offered           Ask for it back                    help
test                     See who is told what               message_plan
support_confirm          Yes, I asked for help              help
support_received         See your request                   help
support_answered         Read the answer                    help
resume_late              See how it stands                  help
"""


SEE: Final = "See it in the account centre"
CASES: Final = [
    (MessageKind.SETTLED, (), (), SEE, LeadsTo.INVOICES),
    (MessageKind.SETTLED, DEBTS, (), "Pay €96.80", LeadsTo.PAYING),
    (MessageKind.SETTLED, (), ("mail",), "See what brings it back", LeadsTo.SUBSCRIPTIONS),
    (MessageKind.SETTLED, DEBTS, ("mail",), "Pay €96.80", LeadsTo.PAYING),
    (MessageKind.RESUMED, (), (), SEE, LeadsTo.SUBSCRIPTIONS),
    (MessageKind.RESUMED, DEBTS, (), "Pay €96.80", LeadsTo.PAYING),
    (MessageKind.CANCELED, (), (), "See what brings it back", LeadsTo.SUBSCRIPTIONS),
    (MessageKind.CANCELED, DEBTS, (), "Pay €96.80", LeadsTo.PAYING),
    (MessageKind.REACTIVATED, (), ("mail",), "See what brings it back", LeadsTo.SUBSCRIPTIONS),
    (MessageKind.REACTIVATED, DEBTS, (), "Pay €96.80", LeadsTo.PAYING),
]


def _words(button: str) -> str:
    return "BY_CASE" if "{%" in button else button


@pytest.mark.parametrize(("kind", "debts", "stays", "words", "leads_to"), CASES)
def test_a_button_that_offers_what_is_left_leads_there(
    kind: MessageKind, debts: tuple[DebtLine, ...], stays: tuple[str, ...], words: str, leads_to: LeadsTo
) -> None:
    """Half a remedy offers the other half: a receipt of a part pays the rest, one after a cancellation brings back."""
    content = replace(sample(kind, "en-GB"), actions=(), debts=debts, sums=sums_of(debts), stays=stays)
    done = wiring.texts().render(content)
    assert f"\n{words}:\nhttps://" in done.text
    assert KINDS[kind].button_leads(owing=bool(debts), off=bool(stays)) is leads_to
    assert f"{SEE}:" in wiring.texts().render(for_reader(content)).text or not debts


def test_every_button_leads_where_its_words_say() -> None:
    texts = tomllib.loads((files("arrears.notices") / "texts" / "en.toml").read_text("utf-8"))
    rows = [line.split(maxsplit=1) for line in BUTTONS.strip().splitlines()]
    wanted = {MessageKind(kind): tuple(rest.rsplit(maxsplit=1)) for kind, rest in rows}
    found = {kind: (_words(texts[kind]["button"]), str(KINDS[kind].leads_to)) for kind in KINDS}
    assert {k: (" ".join(w[0].split()), w[1]) for k, w in closed("buttons", MessageKind, wanted).items()} == found


ELSEWHERE: Final = {
    LeadsTo.PAYING, LeadsTo.HELP, LeadsTo.SECURITY, LeadsTo.CONFIRMING, LeadsTo.INVITATION, LeadsTo.NEW_PASSWORD,
}  # fmt: skip


@pytest.mark.usefixtures("site")
def test_every_page_of_the_account_that_a_button_leads_to_is_there() -> None:
    from django.urls import resolve

    assert ACCOUNT_PAGES.keys() == set(LeadsTo) - ELSEWHERE
    for path in ACCOUNT_PAGES.values():
        assert resolve(f"/acc_1/{path.partition('#')[0]}").kwargs == {"account": 1}
