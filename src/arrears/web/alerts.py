"""What an alert says, in the words of the mails, in the language that is active."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from babel.core import Locale
from django.utils.translation import gettext as _

from arrears.core.account import Account, Action
from arrears.core.address import mailbox_of
from arrears.core.messages.alerts import Alert, Level, alerts_of
from arrears.core.messages.recipients import Contacts
from arrears.core.money import format_amount
from arrears.core.states import Reason
from arrears.core.view import View
from arrears.engine.people.profile import needs_confirming
from arrears.notices import values
from arrears.web.names import called


class Standing(NamedTuple):
    """An alert and its words. `urgent`: something is stopped, or will be."""

    alert: Alert
    title: str
    text: str
    urgent: bool


URGENT = (Level.DELETION_ON, Level.STOPPED, Level.STOPS_ON, Level.PAST_DUE)


def standing(view: View, contacts: Contacts, locale: Locale) -> list[Standing]:
    """The alerts of an account, the most urgent first."""
    found = alerts_of(view, unconfirmed_address=needs_confirming(contacts, view.now))
    return [Standing(alert, *_words(alert, view, contacts, locale), urgent=alert.level in URGENT) for alert in found]


def _about_the_address(contacts: Contacts) -> tuple[str, str]:
    """What to say of an administrator's address that is to be confirmed, by where the newest link that waits went."""
    who = contacts.administrator
    asked = [one for one in contacts.requests if who is not None and one.person == who.no]
    newest = max(asked, key=lambda one: one.no, default=None)
    if newest is None or newest.used or who is None:
        text = _("Have a link sent there and open it, so that we know that warnings arrive.")
    elif mailbox_of(newest.new) in [mailbox_of(address) for address in who.addresses[:1]]:
        text = _("Open the link that we sent there, or have a new one sent, so that we know that warnings arrive.")
    else:
        text = _("A new one waits: open the link that we sent to it. Until then messages go to the old one.")
        return _("Your contact address is not confirmed"), text
    return _("Is this the right address?"), text


def _words(alert: Alert, view: View, contacts: Contacts, locale: Locale) -> tuple[str, str]:
    """Title and text."""
    account = view.account
    sums = _listed([format_amount(minor, currency, str(locale)) for currency, minor in alert.sums], locale)
    names = {
        "service": _called(alert, account),
        "on": _day(alert.on, locale),
        "since": _day(alert.since, locale),
        "sums": sums,
        "card": values.clean(contacts.cards.get(alert.method, "")),
        "numbers": _listed([debt.number for debt in account.debts if debt.no in alert.debts], locale),
    }
    title, text = _about_the_address(contacts) if alert.level is Level.CONFIRM_ADDRESS else _sentences(alert)
    if alert.level is Level.CARD_EXPIRES and alert.on is not None and alert.on < view.today:
        title = _("%(card)s expired on %(on)s: it cannot be charged any more")
    if alert.level in (Level.STOPPED, Level.DELETION_ON):
        text = _not_by_paying(alert, account) or text
    return title % names, text % names if text else ""


def _called(alert: Alert, account: Account) -> str:
    return called(account, alert.subscription) if alert.subscription else values.clean(alert.service)


def _not_by_paying(alert: Alert, account: Account) -> str:
    """What to say of a service that a payment alone does not bring back; empty where it does."""
    sub = account.subscription(alert.subscription)
    if sub.end is not None and sub.end.ordered_at is not None:
        return _("Its deletion has been ordered. Paying settles what is open, but brings nothing back.")
    if set(sub.reasons) <= {Reason.PAST_DUE}:
        return ""
    if not alert.sums:
        return _("Your subscriptions say what brings it back.")
    return _("Unpaid: %(sums)s. Paying is not enough here: your subscriptions say what brings it back.")


def _sentences(alert: Alert) -> tuple[str, str]:
    unpaid = _("Unpaid for it: %(sums)s. Once everything is paid, this does not happen.") if alert.sums else ""
    looked_into = _("Nothing has to be paid while the invoice is being looked into.")
    match alert.level:
        case Level.DELETION_ON:
            return _("The data of %(service)s will be deleted on or after %(on)s"), unpaid
        case Level.STOPPED if alert.action is Action.RESTRICT:
            text = _("Unpaid for it: %(sums)s. Once everything is paid, it can be used again.")
            return _("%(service)s was restricted on %(since)s"), text if alert.sums else looked_into
        case Level.STOPPED:
            text = _("Unpaid for it: %(sums)s. Once everything is paid, it is switched on again.")
            return _("%(service)s was stopped on %(since)s"), text if alert.sums else looked_into
        case Level.STOPS_ON if alert.action is Action.RESTRICT:
            return _("%(service)s will be restricted on %(on)s"), unpaid
        case Level.STOPS_ON:
            return _("%(service)s will stop on %(on)s"), unpaid
        case Level.PAST_DUE:
            return _("Still unpaid: %(sums)s"), _("Past due since %(since)s: %(numbers)s.")
        case Level.CARD_EXPIRES:
            return _("%(card)s expires on %(on)s"), _("Renew its expiry date, or add another card.")
        case Level.BILL_READY:
            return _("%(sums)s is due on %(on)s"), _("Invoice %(numbers)s.")
        case Level.CONFIRM_ADDRESS:
            raise AssertionError("what it says depends on where its link went")


def _day(on: date | None, locale: Locale) -> str:
    return "" if on is None else values.day(on, locale)


def _listed(items: list[str], locale: Locale) -> str:
    return values.listed(items, locale, values.Form.PLAIN)
