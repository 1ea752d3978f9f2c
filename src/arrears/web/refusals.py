"""Why something was not done, in one sentence for a customer: the engine's codes in the reader's language.

What has no sentence here is our own or the operator's mistake; the reader is told that nothing was changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arrears.core.errors import Refused

SENTENCES: Final[Mapping[str, Promise | str]] = {
    "attempt_in_flight": _("A payment for this is under way. Wait for its outcome, then look again."),
    "already_canceled": _("This subscription is cancelled already."),
    "cancel_elsewhere": _("This subscription cannot be cancelled here. The page of your subscriptions says where."),
    "bad_address": _("That is not an e-mail address we can write to. Check it and try again."),
    "administrator_exists": _("This account has an administrator already."),
    "bad_transfer_day": _("Please give the day on which you made the transfer: a day of the last 60."),
    "debt_is_open": _("An invoice is still open. Once nothing is open, you can ask to pay by invoice."),
    "in_invoice_mode": _("You pay by invoice already."),
    "nothing_past_due": _("Nothing is past due. You do not have to do anything."),
    "not_by_transfer": _("This account pays by card, so we do not wait for a transfer."),
    "said_before": _("We have waited for a transfer already. Please ask support: they can see what has arrived."),
    "already_there": _("Somebody with this address can see this account already."),
    "bad_amount": _("That amount is not possible. Pay at least the smallest part, and at most what is open."),
    "bad_expiry": _("That expiry is in the past or not a date. Take it over from the card."),
    "bad_link": _("This link is not valid any more. Ask for a new one in the account centre."),
    "common_password": _("This password is one of those that are tried first. Think of words that nobody expects."),
    "deleted": _("This service has been deleted and cannot come back."),
    "empty_text": _("Please say in a few words what is wrong."),
    "link_over": _("This link does not work any more. The newest message has one that does."),
    "last_declined": _("The last payment with this card was declined. Please use another one."),
    "last_unconfirmed": _("The last payment with this card was not confirmed at the bank. Please use another one."),
    "long_text": _("That text is too long. Shorten it, or send it in two parts."),
    "method_expired": _("This card has expired. Enter its new expiry, or use another one."),
    "method_held": _("This payment method cannot be removed yet."),
    "method_not_usable": _("This payment method cannot be charged. Choose or add another one."),
    "no_kind": _("Please choose what it is about."),
    "never_retry": _("The bank told us never to try this card again. Please use another one."),
    "no_such_provider": _("Paying by card is not set up here yet. Please contact support."),
    "not_canceled": _("This subscription is not canceled, so there is nothing to reactivate."),
    "not_supported": _("Our payment provider cannot do this. Please contact support."),
    "no_document": _("The PDF could not be made. Please contact support."),
    "no_paper": _("The PDF could not be made. The page itself can be printed."),
    "nothing_owed": _("There is nothing to pay now, so nothing was charged."),
    "own_password": _("Your name, your address and ours are guessed first. Choose a password without them."),
    "parts_after_failure": _("You can pay in parts once a payment of the whole sum has failed."),
    "prepaid_refused": _("Prepaid cards cannot pay for a subscription. Please use a credit or debit card."),
    "provider_unreachable": _("The payment provider cannot be reached right now. Nothing was charged. Try again soon."),
    "provider_denied": _("The payment provider cannot be reached right now. Nothing was charged. Try again soon."),
    "retry_later": _("The card network does not allow another try with this card yet. Please use another one."),
    "same_address": _("This is your contact address already, and it is confirmed."),
    "settle_first": _("Pay what is past due with this payment method; that makes it the one we use."),
    "setup_failed": _("No payment method was added: the bank refused it, or the page was left."),
    "setup_open": _("No card was set up, so nothing was charged."),
    "stale_quote": _("What is owed has changed. Look at the new amount before you pay; nothing was charged."),
    "too_many_recipients": _("An account warns at most ten others. Remove one first."),
    "too_many_requests": _("You have asked for this several times today. Use the newest e-mail, or wait a day."),
    "typed_often": _("This address was given several times today. Nothing was sent to it; please try again tomorrow."),
    "unknown_invitation": _("That invitation is not open any more."),
    "unknown_locale": _("We do not know that language."),
    "unknown_method": _("That payment method is not there any more."),
    "unknown_person": _("That person cannot see this account any more."),
    "unknown_recipient": _("That address is not one of the others we warn."),
    "unknown_zone": _("We do not know that time zone. Choose one from the list."),
    "weak_password": _("That password is too short. It needs at least 15 characters."),
    "wrong_password": _("Your password now is another one. Check it and try again."),
}
OTHERWISE: Final = _("This could not be done, and nothing was changed. Please contact support if it stays so.")


def in_words(refused: Refused) -> str:
    """The sentence for a refusal."""
    return str(SENTENCES.get(refused.code, OTHERWISE))
