"""Facts as sentences: what happened to an account, told by day, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import RELEASES, Account
from arrears.core.calendar import calendar_of
from arrears.core.evolve import evolve, open_account
from arrears.core.money import format_amount
from arrears.core.tasks import counted
from arrears.sim.story_money import (
    StoryAttempt,
    StoryBack,
    StoryMethod,
    StoryMoney,
    of_attempt,
    of_back,
    of_method,
    of_money,
)
from arrears.sim.story_words import WILL, in_words, service_of, unless_lifted

_AS_PLANNED = f.NoticeAccepted | f.DoubtEnded | f.TaskClosed  # what a story leaves out and a timeline shows

_Cut = f.Restricted | f.Disabled | f.Resumed | f.Deferred | f.DoubtEnded | f.WarningsLapsed | f.DateMoved
_Deletion = f.DeletionScheduled | f.DeletionUnscheduled | f.DeletionOrdered | f.DeletionCapped | f.DeletionReleased
_Subscription = (
    f.SubscriptionAdded
    | f.Canceled
    | f.Reactivated
    | f.ReasonSet
    | f.ReasonLifted
    | f.OrderAcknowledged
    | f.DeletedInPart
)
_Account = f.AccountOpened | f.TermsChanged | f.Parked | f.Unparked | f.TaskClosed
_Promise = f.ArrangementMade | f.ArrangementKept | f.ArrangementEnded
_Support = f.SupportOpened | f.SupportSaid | f.SupportAnswered | f.SupportClosed | f.ResumeLate
_Mail = (
    f.NoticeAccepted
    | f.WarnedOtherwise
    | f.NoticeFailed
    | f.NoticeBounced
    | f.RecipientsChanged
    | f.AddressAsked
    | f.AddressConfirmed
    | f.TestAsked
)
_People = (
    f.Invited
    | f.InvitationWithdrawn
    | f.InvitationAccepted
    | f.AccessEnded
    | f.PersonErased
    | f.ResetAsked
    | f.SignInChanged
)
_Doubt = f.HoldPlaced | f.HoldEnded | f.DoubtRaised | f.DoubtCleared | f.ChargeDeclined | f.AuthorisationDeclined


class DiaryLine(NamedTuple):
    """One fact as a sentence; `seq` is its number. `day` counts from the day 0 of the case; None outside one."""

    seq: int
    on: date
    day: int | None
    what: str
    text: str


def tell(history: Sequence[f.Recorded], *, every_fact: bool = False) -> Iterator[DiaryLine]:
    """The whole story of one account. Facts that only say that something went as planned are left out, unless
    every one is asked for."""
    account: Account | None = None
    for recorded in history:
        before = account
        account = open_account(recorded) if account is None else evolve(account, recorded)
        if not every_fact and isinstance(recorded.fact, _AS_PLANNED):
            continue
        case = account.case or (before.case if before is not None else None)
        on = calendar_of(account.terms.zone).local_day(recorded.at)
        day = None if case is None else (on - case.opened_on).days
        yield DiaryLine(recorded.seq, on, day, *_say(before or account, account, recorded.fact))


def as_text(line: DiaryLine) -> str:
    """`2026-01-31  day  30  warning     cloud stops on ...`"""
    day = "" if line.day is None else f"day {line.day:3d}"
    return f"{line.on}  {day:7}  {line.what:11} {line.text}".rstrip()


def _say(before: Account, after: Account, fact: f.AnyFact) -> tuple[str, str]:
    if isinstance(fact, f.Noticed):
        return _message(after, fact)
    if isinstance(fact, f.BecamePastDue):
        numbers = ", ".join(d.number for d in after.debts if any(d.no == p.debt for p in fact.debts))
        return "past due", f"{numbers}{'; a case opens' if fact.opened else ''}"
    if isinstance(fact, f.CaseEnded):
        return "case ends", fact.outcome.replace("_", " ")
    if isinstance(fact, StoryMoney):
        return of_money(before, fact)
    if isinstance(fact, _Cut):
        return _cut(after, fact)
    if isinstance(fact, _Deletion):
        return _deletion(after, fact)
    if isinstance(fact, _Subscription):
        return _subscription(after, fact)
    if isinstance(fact, _Doubt):
        return _doubt(before, fact)
    if isinstance(fact, _Promise):
        return _promise(before, fact)
    if isinstance(fact, StoryMethod):
        return of_method(after, fact)
    if isinstance(fact, StoryAttempt):
        return of_attempt(fact)
    if isinstance(fact, StoryBack):
        return of_back(fact)
    if isinstance(fact, _Mail):
        return _mail(fact)
    if isinstance(fact, _People):
        return _people(fact)
    if isinstance(fact, _Support):
        return _support(after, fact)
    return _account(fact)


def _message(account: Account, fact: f.Noticed) -> tuple[str, str]:
    """What one message says; it is named after the gravest thing in it."""
    gravest_first = sorted(fact.parts, key=lambda part: isinstance(part, f.Reminder))
    (kind, text), *rest = [_part(account, part) for part in gravest_first]
    return kind, "; ".join([text, *(also if what == kind else f"{what} {also}" for what, also in rest)])


def _part(account: Account, part: f.NoticePart) -> tuple[str, str]:
    match part:
        case f.Warning(subscription=no, action=action, promised_on=on):
            return "warning", f"{service_of(account, no)} {WILL[action]} on {in_words(on)}"
        case f.Told(subscription=no, what=what, on=on):
            said = "has been running again since" if what == "running" else f"was {what} on"
            return "told", f"{service_of(account, no)} {said} {in_words(on)}"
        case f.Expiring(method=no, days=days, expires_on=on):
            return "card", f"method {no} expires on {in_words(on)}, {days} days ahead"
        case f.Announcement(on=on):
            return part.name, f"{whose_date(account, part)}, {in_words(on)}"
        case f.Reminder(step=step, skipped=skipped):
            return "reminder", f"of day {step}{f' (overtaken: {_listed(skipped)})' if skipped else ''}"


def whose_date(account: Account, said: f.Announcement) -> str:
    """What an announcement is about: `invoice F-1`, a service, `hold 2`, `payment method 1`."""
    if said.debt:
        debt = account.debt(said.debt)
        return f"invoice {said.debt if debt is None else debt.number}"
    if said.subscription:
        return service_of(account, said.subscription)
    return f"hold {said.hold}" if said.hold else f"payment method {said.method}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _cut(after: Account, fact: _Cut) -> tuple[str, str]:
    service = service_of(after, fact.subscription)
    match fact:
        case f.Restricted(on=on):
            return "restricted", f"{service} from the end of {in_words(on)}: no changes, resources offline"
        case f.Disabled(on=on):
            return "disabled", f"{service} stopped at the end of {in_words(on)}; its data is kept"
        case f.Resumed(order_no=no, after=state):
            return "resumed", f"{service} {'is ordered to run again' if no else f'is {state} again'}"
        case f.Deferred(action=action, doubts=doubts):
            return "waits", f"{action} of {service}, because of {', '.join(doubts)}"
        case f.DoubtEnded(action=action):
            return "goes on", f"nothing stands in the way of {action} of {service} any more; it is warned of anew"
        case f.WarningsLapsed(action=action):
            return "lapsed", f"the warnings before the {action} of {service}: too little is owed for it to follow"
        case f.DateMoved(action=action, on=on):
            unless = unless_lifted(after.subscription(fact.subscription).reasons)
            return "date", f"{service} {WILL[action]} on {in_words(on)} {unless}"


def _deletion(after: Account, fact: _Deletion) -> tuple[str, str]:
    service = service_of(after, fact.subscription)
    match fact:
        case f.DeletionScheduled():
            return "scheduled", f"deletion of {service}; a second look follows"
        case f.DeletionUnscheduled(why=why):
            return "unscheduled", f"deletion of {service}: {why}"
        case f.DeletionOrdered():
            return "deletion", f"{service} is ordered to delete its data"
        case f.DeletionCapped():
            return "waits", f"deletion of {service} for the release of two members of staff"
        case f.DeletionReleased():
            end = after.subscription(fact.subscription).end
            count = 0 if end is None else len(end.released_by)
            return "released", f"deletion of {service}, by {count} of {RELEASES} members of staff"


def _subscription(after: Account, fact: _Subscription) -> tuple[str, str]:
    service = service_of(after, fact.subscription)
    match fact:
        case f.SubscriptionAdded():
            return "added", service
        case f.Canceled():
            return "canceled", service
        case f.Reactivated():
            return "reactivated", service
        case f.ReasonSet(reason=reason):
            return "stopped", f"{service}: {reason.replace('_', ' ')}"
        case f.ReasonLifted(reason=reason):
            return "lifted", f"{service}: {reason.replace('_', ' ')}"
        case f.OrderAcknowledged(order=order, overtaken=True):
            return "overtaken", f"{service} got a newer order before {order}"
        case f.OrderAcknowledged(order=order):
            return "done", f"{service} has carried out {order}{_counts(fact.deleted)}"
        case f.DeletedInPart(left=left):
            return "in part", f"{service} has not deleted everything; still there: {counted(left)}"


def _counts(deleted: Mapping[str, int]) -> str:
    return f": {counted(deleted)}" if deleted else ""


def _doubt(before: Account, fact: _Doubt) -> tuple[str, str]:
    match fact:
        case f.HoldPlaced(hold=hold):
            end = "until it is released" if hold.until is None else f"to {in_words(hold.until)}"
            return "hold", f"on the {hold.scope}, {end}: {hold.reason}"
        case f.HoldEnded(hold=no):
            reason = next((h.reason for h in before.holds if h.no == no), "")
            return "hold ends", f"{reason}{'; its warnings are given again' if fact.voided else ''}"
        case f.DoubtRaised(doubt=doubt):
            return "doubt", f"{doubt.replace('_', ' ')} raised"
        case f.DoubtCleared(doubt=doubt):
            return "doubt", f"{doubt.replace('_', ' ')} cleared"
        case f.ChargeDeclined():
            numbers = ", ".join(d.number for d in before.debts if d.no in fact.debts)
            return "declined", f"the charge of {numbers} was definitively declined"
        case f.AuthorisationDeclined():
            amount = format_amount(fact.amount_minor, fact.currency)
            return "declined", f"the card was refused for {amount}, which is not owed yet"


def _promise(before: Account, fact: _Promise) -> tuple[str, str]:
    if isinstance(fact, f.ArrangementMade):
        made = fact.arrangement
        numbers = ", ".join(d.number for d in before.debts if d.no in made.debts)
        parts = ", ".join(f"{format_amount(p.minor, made.currency)} by {in_words(p.on)}" for p in made.parts)
        return "promised", f"{numbers}: {parts}{'; each is charged' if made.collects else ''}"
    one = next(one for one in before.arrangements if one.no == fact.arrangement)
    if isinstance(fact, f.ArrangementKept):
        return "kept", f"{fact.kept} of {len(one.parts)} parts of promise {one.no}"
    over = f"broken: the part of {in_words(one.next.on)} is missed" if fact.broken else "ended"
    return "promise", f"promise {one.no} is {over}{'; its warnings are given again' if fact.voided else ''}"


def _account(fact: _Account) -> tuple[str, str]:
    match fact:
        case f.AccountOpened(mode=mode):
            return "opened", f"{mode.value} account"
        case f.TermsChanged(terms=terms):
            return "terms", f"policy {terms.policy}, zone {terms.zone}"
        case f.Parked(why=why):
            return "parked", why
        case f.Unparked():
            return "unparked", "a person has looked"
        case f.TaskClosed(task=task, outcome=outcome):
            return "task closed", f"of fact {task}: {outcome}"


_CAME_BACK: Final = {
    "hard": "does not exist",
    "soft": "did not get it",
    "complaint": "called it unwanted",
}


_HOW: Final = {
    f.WarnedHow.LETTER: "letter",
    f.WarnedHow.TELEPHONE: "telephone",
    f.WarnedHow.IN_PERSON: "word of mouth",
}


def _mail(fact: _Mail) -> tuple[str, str]:
    match fact:
        case f.NoticeAccepted(notice=seq):
            return "accepted", f"the message of fact {seq}, by the mail server"
        case f.WarnedOtherwise(subscription=sub, action=action, how=how, on=on):
            return "warned otherwise", f"{action} of subscription {sub}, by {_HOW[how]} on {on}; proof: {fact.proof}"
        case f.NoticeFailed(why=why):
            return "not sent", why
        case f.NoticeBounced(notice=seq, how=how):
            rest = "; it goes to another address" if fact.again else "" if fact.reachable else "; nobody can be reached"
            return "came back", f"the message of fact {seq}: the address {_CAME_BACK.get(how, how)}{rest}"
        case f.RecipientsChanged(lost=lost):
            rest = "; the warnings that others got count no longer" if lost else ""
            return "recipients changed", f"others are told from now on{rest}"
        case f.AddressAsked(again=again):
            return "address", f"a link was sent to {'confirm the contact address again' if again else 'a new address'}"
        case f.AddressConfirmed(changed=changed):
            return "address", f"the contact address was {'changed' if changed else 'confirmed'}"
        case f.TestAsked():
            return "test", "a test message was asked for"


_CHANGED: Final = {
    "password": "has a new password",
    "app_added": "signs in with an authenticator app too",
    "app_removed": "signs in without an authenticator app",
    "passkey_added": "added a passkey",
    "passkey_removed": "removed a passkey",
    "codes": "has new recovery codes",
}


def _people(fact: _People) -> tuple[str, str]:
    match fact:
        case f.Invited(role=role):
            return "invited", f"somebody was invited as {role.replace('_', ' ')}"
        case f.InvitationWithdrawn():
            return "invited", "an invitation was withdrawn"
        case f.InvitationAccepted(person=person, role=role):
            return "person", f"person {person} is {role.replace('_', ' ')} from now on"
        case f.AccessEnded(person=person):
            return "person", f"person {person} sees this account no longer"
        case f.PersonErased(person=person, role=role):
            who = f"person {person}" if person else "somebody"
            return "person", f"what was held about {who} ({role.replace('_', ' ')}) was erased"
        case f.ResetAsked(person=person):
            return "sign-in", f"a link for a new password was sent to person {person}"
        case f.SignInChanged(person=person, what=what):
            return "sign-in", f"person {person} {_CHANGED.get(what, what)}"


def _support(after: Account, fact: _Support) -> tuple[str, str]:
    match fact:
        case f.SupportOpened(request=no, about=about, via=via, holds=holds):
            held = f"; placed hold {', '.join(map(str, holds))}" if holds else ""
            return "help", f"request {no} ({about.replace('_', ' ')}, {via}) was opened{held}"
        case f.SupportSaid(request=no):
            return "help", f"request {no}: the person wrote more"
        case f.SupportAnswered(request=no):
            return "help", f"request {no} was answered"
        case f.SupportClosed(request=no):
            return "help", f"request {no} was closed; no date moves"
        case f.ResumeLate(orders=orders):
            services = ", ".join(service_of(after, o.subscription) for o in orders)
            return "late", f"{services} should run again since 24 hours and does not: a request opens by itself"
