"""Where the button of each message leads: to the page that does, or shows, what its words say."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Final

import pytest

from arrears.core.closed import closed
from arrears.core.messages.kinds import ACCOUNT_PAGES, KINDS, LeadsTo, MessageKind

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
settled                  See it in the account centre       invoices
resumed                  See it in the account centre       subscriptions
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


def test_every_button_leads_where_its_words_say() -> None:
    texts = tomllib.loads((files("arrears.notices") / "texts" / "en.toml").read_text("utf-8"))
    rows = [line.split(maxsplit=1) for line in BUTTONS.strip().splitlines()]
    wanted = {MessageKind(kind): tuple(rest.rsplit(maxsplit=1)) for kind, rest in rows}
    found = {kind: (texts[kind]["button"], str(KINDS[kind].leads_to)) for kind in KINDS}
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
