"""A warning of which somebody was told otherwise than by a message of ours: by letter, telephone or word of mouth."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.deadlines import Ahead, ahead
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.ports import Accounts

PROOF_CHARS_MAX: Final = 200


class SpokenWarning(NamedTuple):
    """What somebody was told: this action of this subscription; how, and on which local day of the account. `proof`
    says where the proof is kept, and names nobody."""

    subscription: int
    action: Action
    how: WarnedHow
    on: date
    proof: str


class WarnedDate(NamedTuple):
    """The day that they were told, as the warning names it, and the day on which it happens now unless it is paid: the
    same, or a later one, because the lead runs from the record."""

    named_on: date
    happens_on: date


def record_warned(
    store: Accounts, account: int, spoken: SpokenWarning, now: datetime, author: str, why: str
) -> WarnedDate:
    """Record that a person of the account was told what the newest warning of that action and day says; that one
    counts as accepted from now on, and the date follows. No other warning is touched: of what nobody spoke nobody is
    warned. Refuses `bad_date`, `no_proof`, `no_reason`, `unknown_subscription`, `not_ahead`, `no_warning`: only what a
    warning has named can be told, so that everybody reads the same date, and who has been told is not told again: no
    mail undoes that, and the date is never earlier than any that a warning before it has named."""
    if not why.strip():
        raise Refused("no_reason", "say what was said, and to whom in what role; it is kept with the fact")
    proof = " ".join(spoken.proof.split())
    if not proof or len(proof) > PROOF_CHARS_MAX:
        raise Refused("no_proof", f"say where the proof is kept, in 1 to {PROOF_CHARS_MAX} characters")
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        if spoken.on > local_today(unit):
            raise Refused("bad_date", f"{spoken.on} has not come; record it when they have been told")
        what = f"{spoken.action} of {format_id(SUBSCRIPTION, account, spoken.subscription)}"
        found = _ahead(unit, View(policies, unit.account, guards, now), spoken, what)
        warning = found.promise.newest(spoken.on)
        told = [s for s in found.promise.counting if s.otherwise]
        if told:
            raise Refused("no_warning", f"they have been told of {what}, and that counts; nothing to record")
        if warning is None or warning.accepted_at is not None:
            raise Refused("no_warning", f"no warning of {what} of {spoken.on} or before waits to be told")
        fact = f.WarnedOtherwise(
            notice=warning.seq,
            subscription=spoken.subscription,
            action=spoken.action,
            how=spoken.how,
            on=spoken.on,
            proof=proof,
        )
        unit.record(fact, author, why)
        after = _ahead(unit, View(policies, unit.account, guards, now), spoken, what).announced_day
        return WarnedDate(warning.promised_on, warning.promised_on if after is None else after)


def _ahead(unit: Unit, view: View, spoken: SpokenWarning, what: str) -> Ahead:
    if spoken.subscription not in [sub.no for sub in unit.account.subscriptions]:
        raise Refused("unknown_subscription", f"account {unit.no} has no subscription {spoken.subscription}")
    for one in ahead(view):
        if (one.sub.no, one.action) == (spoken.subscription, spoken.action):
            return one
    raise Refused("not_ahead", f"{what} does not lie ahead (done, paid, or not yet); see `arrears explain`")
