"""Why an account is in its state, what comes next and when, and what makes it wait: as codes, dates and evidence.

One value for whoever asks: `arrears explain --json` and the API give it as it is, and the command says the same in
words, of what stands beside it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account, Action, Mode, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.causes import causes
from arrears.core.deadlines import ahead, unnamed
from arrears.core.decide import outlook
from arrears.core.evolve import evolve, open_account
from arrears.core.forecast import forecast
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.money import MINOR_MAX
from arrears.core.rules import charge, late
from arrears.core.rules.paying import paying
from arrears.core.stages import next_stage
from arrears.core.states import Reason, State
from arrears.core.view import View
from arrears.engine.messages.unreached import Unreached, unreached
from arrears.ports import AccountAndMailHistory, Mail, MailState

NEXT_MAX: Final = 12
"""So much of what lies ahead is said; the timeline of the account centre has the rest."""

OTHERS: Final = (charge.rule, late.rule)
"""What comes of these nobody can foretell."""

_SAID: Final = (
    *(f.BecamePastDue, f.Deferred, f.HoldEnded, f.ArrangementEnded, f.Restricted, f.Disabled),
    *(f.DeletionScheduled, f.DeletionOrdered, f.Resumed),
)
"""What will be recorded and is said ahead of time; other facts only keep the books."""

_CHANGES_NOTHING: Final = (
    *(f.Noticed, f.NoticeAccepted, f.NoticeFailed, f.NoticeBounced, f.TaskClosed, f.TestAsked),
    *(f.SupportSaid, f.SupportAnswered, f.SupportClosed),
)


class Coming(NamedTuple):
    """Something that lies ahead: the instant, what will be recorded then, or a part of a message that will be said, and
    what the rule calls it, where no more than that is known."""

    at: datetime
    what: f.Fact | f.NoticePart
    label: str = ""


class Explanation(NamedTuple):
    """What there is to say of an account. `value` is that, as docs/json.md has it; `coming` is what its `next` was made
    of, in the same order, and `unreached` why nobody hears anything."""

    value: dict[str, Any]
    view: View
    history: Sequence[f.Recorded]
    coming: Sequence[Coming]
    unreached: Unreached | None
    held_back: Sequence[Mail]


def explain(store: AccountAndMailHistory, number: int, now: datetime) -> Explanation:
    """Everything there is to say about an account's state at an instant."""
    history = store.history(number)
    account = store.snapshots([number])[number]
    view = View(store.policies(), account, store.system().guards, now)
    nobody = unreached(view, store.contacts([number])[number], store)
    coming = _coming(view, heard=nobody is None)
    waiting = [mail for mail in store.mails_of(number) if mail.state is MailState.WAITING and mail.about]
    wanted = causes(account, history)
    last = next((r.seq for r in reversed(history) if not isinstance(r.fact, _CHANGES_NOTHING)), 0)
    evidence = _evidence(history, {*wanted, last})
    value = {
        "account": format_id(ACCOUNT, number),
        "zone": view.terms.zone,
        "policy": view.policy.version,
        "case": None if account.case is None else {"no": account.case.no, "opened_on": account.case.opened_on},
        "owed": _owed(account),
        "carried": _carried(view),
        "subscriptions": [explained_subscription(view, s.no) for s in account.subscriptions],
        "unreachable": _unreachable(view, nobody),
        "held_back": [mail_shown(mail) for mail in waiting],
        "waits_for": _waits_for(view),
        "holds": [
            {"hold": h.no, "scope": h.scope, "until": h.until, "reason": h.reason}
            for h in account.holds
            if h.ended_at is None
        ],
        "next": [shown_ahead(view, one) for one in coming],
        "last_change": evidence.get(last),
        "because": [evidence[seq] for seq in wanted if seq in evidence],
    }
    return Explanation(value, view, history, coming, nobody, waiting)


def explained_subscription(view: View, number: int) -> dict[str, Any]:
    """How a subscription stands, with the dates that its customer was told, or why none lies ahead."""
    sub = view.account.subscription(number)
    told = {one.action: one.announced_day for one in ahead(view) if one.sub.no == number}
    return {
        "subscription": subscription_id(view, number),
        "service": sub.service,
        "state": sub.state,
        "reasons": list(sub.reasons),
        "restricted_on": told.get(Action.RESTRICT),
        "stops_on": told.get(Action.DISABLE),
        "deleted_on": told.get(Action.DELETE),
        "nothing_follows": None if any(told.values()) else _nothing_follows(view, sub),
    }


def subscription_id(view: View, number: int) -> str:
    """The public id of a subscription of this account."""
    return format_id(SUBSCRIPTION, view.account.no, number)


def mail_shown(mail: Mail) -> dict[str, object]:
    """One message, and what became of it in the server's own words."""
    return {
        "id": mail.id, "kind": mail.kind, "to": mail.address, "subject": mail.subject, "state": mail.state,
        "reply": mail.reply, "at": mail.at,
    }  # fmt: skip


def kind_of(built: f.Fact | f.NoticePart) -> str:
    """The stable name of a fact, as the journal has it, or of a part of a message: `disabled`, `due_soon`."""
    match built:
        case f.Announcement():
            return built.name.replace(" ", "_")
        case f.Reminder() | f.Warning() | f.Told() | f.Expiring():
            return type(built).__name__.lower()
        case f.Noticed():
            return "noticed"
        case _:
            return str(built.__struct_config__.tag)


# -- why it is so ---------------------------------------------------------------------------------------------------


def _evidence(history: Sequence[f.Recorded], wanted: set[int]) -> dict[int, dict[str, Any]]:
    """These facts: their local day, and the day of the case that it was."""
    found: dict[int, dict[str, Any]] = {}
    account: Account | None = None
    for recorded in history:
        before = account
        account = open_account(recorded) if account is None else evolve(account, recorded)
        if recorded.seq in wanted:
            on, day = day_of(before, account, recorded.at)
            found[recorded.seq] = {"seq": recorded.seq, "on": on, "day": day, "kind": kind_of(recorded.fact)}
    return found


def day_of(before: Account | None, after: Account, at: datetime) -> tuple[date, int | None]:
    """The local day of a fact, and how many days after the day 0 of its case that is; None outside one."""
    case = after.case or (before.case if before is not None else None)
    on = calendar_of(after.terms.zone).local_day(at)
    return on, None if case is None else (on - case.opened_on).days


def _owed(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "invoice": d.number,
            "open_minor": d.open_minor,
            "currency": d.currency,
            "due_on": d.due_on,
            "past_due_since": d.day_0,
            "held": account.debt_is_held(d.no),
            "nothing_pays": account.mode is Mode.CARD and paying(account, d) is None,
        }
        for d in account.debts
    ]


def _carried(view: View) -> list[dict[str, Any]]:
    """What cannot be charged, and why: nobody takes its currency, or it is so little that the next invoice has it."""
    found = []
    for debt in view.account.debts:
        least = view.carried_below(debt.currency)
        if debt.open_minor < least:
            why = ("currency_not_taken", None) if least > MINOR_MAX else ("too_little", least)
            said = {"invoice": debt.number, "open_minor": debt.open_minor, "currency": debt.currency}
            found.append({**said, "code": why[0], "least_minor": why[1]})
    return found


def _waits_for(view: View) -> list[dict[str, Any]]:
    """What keeps this account waiting: doubts where something lies ahead, a person where it is parked."""
    account = view.account
    pursued = account.case is not None or any(s.end and s.state is not State.DELETED for s in account.subscriptions)
    found = [{"code": str(doubt)} for doubt in view.doubts] if pursued else []
    return [*found, {"code": "parked"}] if account.parked else found


def _unreachable(view: View, found: Unreached | None) -> dict[str, Any] | None:
    """Why nobody can be reached, since when, and what waits."""
    if found is None:
        return None
    return {
        "code": "addresses_dead" if found.dead else "no_address",
        "since": found.since,
        "waiting": [
            {"action": one.action, "subscription": subscription_id(view, one.subscription)} for one in found.waiting
        ],
    }


def _nothing_follows(view: View, sub: Subscription) -> dict[str, Any] | None:
    """Why a subscription that is owed for has no date ahead of it."""
    debts = view.debts_of(sub)
    if sub.end is not None and sub.end.ordered_at is not None and sub.state is not State.DELETED:
        return {"code": "deletion_ordered"}
    if sub.end is not None and sub.end.ordered_at is None and next_stage(view.policies, view.account, sub) is None:
        return {"code": "never_deleted"}
    if Reason.PAST_DUE not in sub.reasons or not debts or sub.state is State.DELETED:
        return None
    if next_stage(view.policies, view.account, sub) is None:
        return {"code": "never_disabled"}
    if not view.enough(sub):
        return {"code": "below_minimum"}
    if unnamed(view, sub):
        return {"code": "not_named"}
    if view.all_held(sub):
        return {"code": "held"}
    return None


# -- what comes -----------------------------------------------------------------------------------------------------


def _coming(view: View, *, heard: bool) -> list[Coming]:
    """What comes if nothing changes, the earliest first, and what depends on others: a bank, a service."""
    if view.account.parked:
        return []
    asked = [Coming(at, due.build(), due.label) for at, due in outlook(view, OTHERS)]
    found = [*asked, *islice(foretold(view, heard=heard), NEXT_MAX)]
    found.sort(key=lambda one: one.at)
    return found[:NEXT_MAX]


def foretold(view: View, *, heard: bool) -> Iterator[Coming]:
    """What waits for a doubt to be over, and then what will be recorded: each part of a message, and nothing for what
    only keeps the books."""
    if not view.account.parked:
        yield from _deferred(view)
    for step in forecast(view, heard=heard):
        if isinstance(step.fact, f.Noticed):
            yield from (Coming(step.at, part) for part in step.fact.parts)
        elif isinstance(step.fact, _SAID):
            yield Coming(step.at, step.fact)


def _deferred(view: View) -> Iterator[Coming]:
    """What was due and still waits: whoever is told of it is warned anew once no doubt stands."""
    for one in ahead(view):
        if one.promise.doubted and view.doubts:
            fact = f.Deferred(subscription=one.sub.no, action=one.action, doubts=view.doubts)
            yield Coming(view.now, fact)


def shown_ahead(view: View, one: Coming) -> dict[str, Any]:
    """One thing that lies ahead; `at` is None for the next look, and for what waits for a doubt to be over."""
    subscription = getattr(one.what, "subscription", 0)
    return {
        "at": one.at if one.at > view.now else None,
        "kind": kind_of(one.what),
        "subscription": subscription_id(view, subscription) if subscription else None,
        "action": getattr(one.what, "action", None),
        "on": getattr(one.what, "promised_on", None) or getattr(one.what, "on", None),
    }
