"""What a message says, and whether it is still true when it is about to leave.

Plain sentences in English; the full texts, languages and layouts hang on the same two functions.
"""

from __future__ import annotations

from arrears.core import facts as f
from arrears.core.account import Account, Action
from arrears.core.money import format_amount
from arrears.core.states import State
from arrears.ports import Message

_WHAT = {
    Action.RESTRICT: "the service is restricted",
    Action.DISABLE: "the service stops",
    Action.DELETE: "the data is deleted",
}


def still_true(account: Account, fact: f.Noticed | f.Resumed, seq: int) -> bool:
    """Whether anything this message says still holds: the debt is read again just before sending (I22)."""
    if isinstance(fact, f.Resumed):
        return account.subscription(fact.subscription).state in (State.ACTIVE, State.PAST_DUE)
    return bool(_reminders(account, fact) or _warnings(account, fact, seq) or fact.told or _expiring(account, fact))


def _expiring(account: Account, fact: f.Noticed) -> list[f.Expiring]:
    """The cards of this message that still pay for something and have not been renewed since."""
    dates = {m.no: m.expires_on for m in account.methods if not m.removed}
    active = {s.method for s in account.subscriptions if s.state is not State.DELETED}
    return [e for e in fact.expiring if e.method in active and dates.get(e.method) == e.expires_on]


def _reminders(account: Account, fact: f.Noticed) -> bool:
    if fact.reminder is None or account.case is None:
        return False
    return account.case.no == fact.reminder.case and any(not account.debt_is_held(d.no) for d in account.past_due)


def _warnings(account: Account, fact: f.Noticed, seq: int) -> list[f.Warning]:
    """The warnings of this message that no later message has replaced and whose cause has not gone."""
    found = []
    for warning in fact.warnings:
        sub = account.subscription(warning.subscription)
        promise = sub.promise(warning.action)
        newest = max((s.seq for s in promise.sent), default=0)
        if sub.generation == warning.generation and newest == seq and seq > promise.since_seq:
            found.append(warning)
    return found


def render(message_id: str, to: str, account: Account, fact: f.Noticed | f.Resumed) -> Message:
    """The message as it leaves: what is owed, what will happen when, and what happened."""
    lines: list[str] = []
    if isinstance(fact, f.Resumed):
        lines.append(f"Your service {account.subscription(fact.subscription).service} is back.")
        return Message(message_id, to, "Your service is back", "\n".join(lines))
    for warning in fact.warnings:
        service = account.subscription(warning.subscription).service
        lines.append(f"{service}: {_WHAT[warning.action]} on {warning.promised_on} unless everything is paid.")
    for told in fact.told:
        lines.append(f"{account.subscription(told.subscription).service} was {told.what} on {told.on}.")
    for card in _expiring(account, fact):
        lines.append(f"A card that pays for your services is valid until {card.expires_on}; please give its new date.")
    owed: dict[str, int] = {}
    for debt in account.past_due:
        if not account.debt_is_held(debt.no):
            owed[debt.currency] = owed.get(debt.currency, 0) + debt.open_minor
            amount = format_amount(debt.open_minor, debt.currency)
            lines.append(f"Invoice {debt.number}, due {debt.due_on}: {amount} open.")
    for currency, minor in sorted(owed.items()):
        lines.append(f"In total: {format_amount(minor, currency)}.")
    subject = "A payment did not arrive" if not fact.warnings else "Please pay to keep your service"
    if not (fact.warnings or fact.reminder or fact.told):
        subject = "Your card is about to expire"
    return Message(message_id, to, subject, "\n".join(lines))
