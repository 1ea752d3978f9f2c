"""Bodies of events about subscriptions, orders, notices, holds and people."""

from __future__ import annotations

from typing import assert_never

from arrears.core import facts as f
from arrears.core.account import HoldScope
from arrears.core.announcements import Announcement
from arrears.core.events.saying import EventBody, EventNames, day, instant, money
from arrears.core.ids import HOLD, PERSON, PROMISE, format_id


def subscription_added(fact: f.SubscriptionAdded, of: EventNames) -> EventBody:
    return {"subscription": {**of.subscription(fact.subscription), "service": fact.service}}


def stopped(fact: f.Restricted | f.Disabled, of: EventNames) -> EventBody:
    return {
        "subscription": of.subscription(fact.subscription),
        "generation": fact.generation,
        "on": day(fact.on),
        "before": fact.before,
        "after": fact.after,
        "order": fact.order_no,
        "policy": fact.evidence.policy,
        "invoices": of.several(one.debt for one in fact.evidence.owing),
        "warned_at": instant(fact.evidence.warning_accepted_at),
        "promised_on": day(fact.evidence.promised_on),
    }


def resumed(fact: f.Resumed, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "on": day(fact.on)}
    return {**said, "before": fact.before, "after": fact.after, "order": fact.order_no or None}


def canceled(fact: f.Canceled, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "on": day(fact.on), "zone": fact.terms.zone}
    return {**said, "before": fact.before, "order": fact.order_no or None}


def reason_set(fact: f.ReasonSet, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "reason": fact.reason, "on": day(fact.on)}
    return {**said, "before": fact.before, "order": fact.order_no or None}


def reason_lifted(fact: f.ReasonLifted, of: EventNames) -> EventBody:
    return {"subscription": of.subscription(fact.subscription), "reason": fact.reason}


def of_subscription(
    fact: f.Reactivated | f.DeletionUnscheduled | f.DeletionCapped | f.DeletionReleased,
    of: EventNames,
) -> EventBody:
    return {"subscription": of.subscription(fact.subscription)}


def date_moved(fact: f.DateMoved, of: EventNames) -> EventBody:
    return {"subscription": of.subscription(fact.subscription), "action": fact.action, "on": day(fact.on)}


def deferred(fact: f.Deferred, of: EventNames) -> EventBody:
    return {
        "subscription": of.subscription(fact.subscription),
        "action": fact.action,
        "doubts": list(fact.doubts),
    }


def of_action(fact: f.DoubtEnded | f.WarningsLapsed, of: EventNames) -> EventBody:
    return {"subscription": of.subscription(fact.subscription), "action": fact.action}


def deletion_scheduled(fact: f.DeletionScheduled, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "generation": fact.generation}
    return {**said, "on": day(fact.on)}


def deletion_ordered(fact: f.DeletionOrdered, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "generation": fact.generation}
    return {**said, "order": fact.order_no}


def order_acknowledged(fact: f.OrderAcknowledged, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "generation": fact.generation}
    more = {"overtaken": True} if fact.overtaken else {}
    return {**said, "order": fact.order_no, "command": fact.order, "service_ended_on": day(fact.ended_on), **more}


def done_in_part(fact: f.DeletedInPart, of: EventNames) -> EventBody:
    said = {"subscription": of.subscription(fact.subscription), "generation": fact.generation}
    return {**said, "order": fact.order_no, "deleted": dict(fact.deleted), "left": dict(fact.left)}


def orders_late(fact: f.ResumeLate, of: EventNames) -> EventBody:
    said = [
        {"subscription": of.subscription(one.subscription), "generation": one.generation, "order": one.order_no}
        for one in fact.orders
    ]
    return {"command": "resume", "orders": said}


def noticed(fact: f.Noticed, of: EventNames) -> EventBody:
    return {"on": day(fact.on), "at_once": fact.at_once, "parts": [_part(part, of) for part in fact.parts]}


def _part(part: f.NoticePart, of: EventNames) -> EventBody:
    match part:
        case f.Reminder():
            return {"part": "reminder", "step": part.step, "invoices": of.several(one.debt for one in part.debts)}
        case f.Warning():
            said = {"part": "warning", "subscription": of.subscription(part.subscription), "action": part.action}
            return {**said, "step": part.step, "promised_on": day(part.promised_on)}
        case f.Told():
            said = {"part": "told", "subscription": of.subscription(part.subscription), "what": part.what}
            return {**said, "on": day(part.on)}
        case f.Expiring():
            return {"part": "expiring", "method": part.method, "expires_on": day(part.expires_on)}
        case Announcement():
            return {"part": "announcement", "kind": part.kind}
        case _:
            assert_never(part)


def of_notice(fact: f.NoticeAccepted | f.NoticeFailed, _of: EventNames) -> EventBody:
    return {"notice": fact.notice}


def notice_bounced(fact: f.NoticeBounced, _of: EventNames) -> EventBody:
    said = {"notice": fact.notice, "how": fact.how, "reachable": fact.reachable}
    return {**said, "no_longer_count": list(fact.lost)}


def recipients_changed(fact: f.RecipientsChanged, _of: EventNames) -> EventBody:
    return {"no_longer_count": list(fact.lost), "replaced": fact.replaced}


def warned_otherwise(fact: f.WarnedOtherwise, of: EventNames) -> EventBody:
    said = {"notice": fact.notice, "subscription": of.subscription(fact.subscription), "action": fact.action}
    return {**said, "how": fact.how, "on": day(fact.on)}


def hold_placed(fact: f.HoldPlaced, of: EventNames) -> EventBody:
    hold = fact.hold
    match hold.scope:
        case HoldScope.DEBT:
            on: EventBody = {"invoice": of.invoice(hold.target)}
        case HoldScope.SUBSCRIPTION:
            on = {"subscription": of.subscription(hold.target)}
        case HoldScope.ACCOUNT:
            on = {}
        case _:
            assert_never(hold.scope)
    said = {"hold": format_id(HOLD, of.account, hold.no), "scope": hold.scope, **on, "stops": list(hold.stops)}
    return {**said, "from": instant(hold.from_at), "until": day(hold.until)}


def arrangement_made(fact: f.ArrangementMade, of: EventNames) -> EventBody:
    made = fact.arrangement
    return {
        "promise": format_id(PROMISE, of.account, made.no),
        "invoices": of.several(made.debts),
        "parts": [{"on": day(part.on), "amount": money(part.minor, made.currency)} for part in made.parts],
        "collects": made.collects,
    }


def arrangement_kept(fact: f.ArrangementKept, of: EventNames) -> EventBody:
    return {"promise": format_id(PROMISE, of.account, fact.arrangement), "parts_kept": fact.kept}


def arrangement_ended(fact: f.ArrangementEnded, of: EventNames) -> EventBody:
    return {"promise": format_id(PROMISE, of.account, fact.arrangement), "broken": fact.broken}


def hold_ended(fact: f.HoldEnded, of: EventNames) -> EventBody:
    return {"hold": format_id(HOLD, of.account, fact.hold), "at": instant(fact.at)}


def doubt(fact: f.DoubtRaised | f.DoubtCleared, _of: EventNames) -> EventBody:
    return {"doubt": fact.doubt, "about": fact.ref}


def nothing(_fact: f.Parked | f.Unparked, _of: EventNames) -> EventBody:
    return {}


def address_confirmed(fact: f.AddressConfirmed, _of: EventNames) -> EventBody:
    return {"person": format_id(PERSON, fact.person), "changed": fact.changed}


def person_role(fact: f.InvitationAccepted | f.PersonErased, _of: EventNames) -> EventBody:
    return {"person": format_id(PERSON, fact.person) if fact.person else None, "role": fact.role}


def access_ended(fact: f.AccessEnded, _of: EventNames) -> EventBody:
    return {"person": format_id(PERSON, fact.person)}


def support_opened(fact: f.SupportOpened, of: EventNames) -> EventBody:
    holds = [format_id(HOLD, of.account, no) for no in fact.holds]
    return {"request": fact.request, "about": fact.about, "via": fact.via, "holds": holds}


def of_request(fact: f.SupportSaid | f.SupportAnswered | f.SupportClosed, _of: EventNames) -> EventBody:
    return {"request": fact.request}
