"""The account as one frozen value: everything a decision needs, and nothing that must be looked up.

Stored as one JSON text in the account's narrow row, it is by definition the fold of its facts (`evolve`). All numbers
(`no`) count within the account, amounts are minor units of the named currency, days local.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

import msgspec

from arrears.core.announcements import Announcement
from arrears.core.arrangements import Arrangement
from arrears.core.holds import ALL_STOPS as ALL_STOPS
from arrears.core.holds import Hold as Hold
from arrears.core.holds import HoldScope as HoldScope
from arrears.core.holds import Moved as Moved
from arrears.core.holds import Stop as Stop
from arrears.core.payments.planner import Tried
from arrears.core.payments.values import AttemptState, Initiator, MethodKind, Network
from arrears.core.promises import Promise
from arrears.core.states import Reason, State
from arrears.core.value import Value


class Action(StrEnum):
    """The escalations. Each is promised by a warning, and each has its own holds."""

    RESTRICT = "restrict"
    DISABLE = "disable"
    DELETE = "delete"


ALL_ACTIONS = tuple(Action)


class DoubtKind(StrEnum):
    """Why a decision waits without moving days: three are an account's, the others the system's; FEED an account's too,
    where a report could not be recorded. REQUEST: a provider would not even try, for a reason of ours. TRANSFER: the
    customer says that a transfer is on its way. BANK: what the bank says is old or not whole, which matters to accounts
    that pay by transfer alone."""

    ATTEMPT = "attempt"
    BANK_CREDIT = "bank_credit"
    TRANSFER = "transfer"
    REQUEST = "request"
    FEED = "feed"
    BANK = "bank"
    CLOCK = "clock"
    BREAKER = "breaker"


class Mode(StrEnum):
    """How an account pays."""

    CARD = "card"
    INVOICE = "invoice"


class CaseOutcome(StrEnum):
    """How a case ended."""

    SETTLED = "settled"
    WRITTEN_OFF = "written_off"
    ENDED_DELETED = "ended_deleted"


class Terms(Value, frozen=True, omit_defaults=True):
    """A policy and a zone. Of an account: the name of its policy, for what starts from now on. Of a running case or
    service end: the version it started with and keeps until it is over. `account_wide` repeats the policy's scope, so
    that the fold of the facts needs no policy.
    """

    policy: str
    zone: str
    account_wide: bool = False


class Debt(Value, frozen=True, omit_defaults=True):
    """An issued invoice that is not paid in full.

    `past_due_from` is set when a decline or a returned payment makes it past due at once; `day_0` when it has
    become past due. `ended` says that its case ended with a deletion: still owed, no longer pursued by the ladder.
    `tries` counts the attempts for it that are proven finished; `charged`: one of ours was paid or declined, so that
    its first charge is over. `reopened_seq` is the fact by which its money left again, `charged_back` that the payer's
    bank took it, or staff gave it back: then only the payer pays it, never a charge of ours.
    `reminded` are the steps that are done or were overtaken since it is past due, `moved_seq` the fact that gave it
    another due date.
    """

    no: int
    number: str
    currency: str
    total_minor: int
    open_minor: int
    due_on: date
    subscriptions: tuple[int, ...]
    day_0: date | None = None
    past_due_from: date | None = None
    declined: bool = False
    settled_separately: bool = False
    ended: bool = False
    tries: int = 0
    charged: bool = False
    reopened_seq: int = 0
    charged_back: bool = False
    reminded: tuple[int, ...] = ()
    moved_seq: int = 0

    @property
    def anew_seq(self) -> int:
        """The fact since which its reminders begin anew: its money left again, or its due date moved; 0 for neither."""
        return max(self.reopened_seq, self.moved_seq)


class DebtPart(Value, frozen=True, omit_defaults=True):
    """So many minor units of one debt."""

    debt: int
    minor: int


class Method(Value, frozen=True, omit_defaults=True):
    """A payment method, as far as decisions look at it; refs and labels are in its fact and its row.

    `failed`: its last attempt was definitively declined, or refused for want of authentication. `durable` is False
    for what works only once. `tried` are the finished attempts that the networks' rules still look at.
    `announced_days`: how many days ahead its expiry was last announced, 0 for never. `charged_from`: no charge of ours
    is made with it before, because its payer was not shown what was owed when it became active.
    """

    no: int
    kind: MethodKind
    network: Network
    credential: int
    country: str = ""
    expires_on: date | None = None
    renewed_at: datetime | None = None
    durable: bool = True
    failed: bool = False
    removed: bool = False
    tried: tuple[Tried, ...] = ()
    announced_days: int = 0
    charged_from: datetime | None = None


class Attempt(Value, frozen=True, omit_defaults=True):
    """An attempt that is not over: money could still move. At most one for each debt (I3). Of a page, `opened_by` is
    who opened it; an attempt with a method is at that method's provider."""

    no: int
    key: str
    method: int
    by: Initiator
    currency: str
    amount_minor: int
    parts: tuple[DebtPart, ...]
    created_at: datetime
    state: AttemptState = AttemptState.CREATED
    ref: str = ""
    quote: str = ""
    on_page: bool = False
    activates: bool = False
    in_part: bool = False
    challenged_at: datetime | None = None
    """Since when the payer has been at the bank, while that counts as in flight."""
    opened_by: str = ""
    entry: int = 0


RELEASES = 2
"""So many different members of staff release a deletion that is above the day's cap (spec, section 8)."""


class ServiceEnd(Value, frozen=True, omit_defaults=True):
    """One time without service. `stopped_on` is the stored date of the stop; `ended_on` is known when the service
    has acknowledged it (spec, section 8), and retention counts from its end."""

    terms: Terms
    stopped_on: date
    recorded_at: datetime
    order_no: int
    ended_on: date | None = None
    delete: Promise = Promise()
    scheduled_at: datetime | None = None
    awaiting_release: bool = False
    ordered_at: datetime | None = None
    released_by: tuple[str, ...] = ()
    """The members of staff who have released the deletion that is scheduled; two are enough."""

    @property
    def released(self) -> bool:
        """Whether two members of staff have released the deletion that is scheduled."""
        return len(self.released_by) >= RELEASES


class Tell(Value, frozen=True, omit_defaults=True):
    """Something that happened and is told: `restricted`, `disabled` or `deleted` at 09:00, `running` at once."""

    what: str
    not_before: datetime
    on: date


class OpenOrder(Value, frozen=True, omit_defaults=True):
    """An order to a service that has not been acknowledged. Of an order to resume: `since` it was given, by fact
    `given_seq`, and the fact by which it was late. `repeated`: one that was carried out is given anew."""

    no: int
    kind: str
    since: datetime | None = None
    given_seq: int = 0
    late_seq: int = 0
    left: tuple[tuple[str, int], ...] = ()  # of what was to be deleted, by the service's own names
    repeated: bool = False


class Subscription(Value, frozen=True, omit_defaults=True):
    """An account's use of one service, with every reason for which it is not active.

    `cut`: it was disabled because of debt, not by another reason. `relieved`: a past-due debt was paid in full since
    it stopped, so it runs again as soon as every other is held. `entered_on`: the day its stage counts from. `method`:
    the active payment method, or 0. `repeats`: how often its newest order was given anew."""

    no: int
    service: str
    state: State = State.ACTIVE
    generation: int = 1
    reasons: tuple[Reason, ...] = ()
    cut: bool = False
    entered_on: date | None = None
    restrict: Promise = Promise()
    disable: Promise = Promise()
    end: ServiceEnd | None = None
    relieved: bool = False
    order_count: int = 0
    orders: tuple[OpenOrder, ...] = ()
    tells: tuple[Tell, ...] = ()
    method: int = 0
    repeats: int = 0

    @property
    def stays_off(self) -> bool:
        """Whether it does not run and no payment brings it back: canceled, or stopped for another reason than debt."""
        stopped = self.state in (State.RESTRICTED, State.DISABLED)
        return stopped and bool(set(self.reasons) - {Reason.PAST_DUE}) and not (self.end and self.end.ordered_at)

    def promise(self, action: Action) -> Promise:
        """What has been told about `action`; of a deletion, by the open service end."""
        if action is Action.RESTRICT:
            return self.restrict
        if action is Action.DISABLE:
            return self.disable
        return self.end.delete if self.end is not None else Promise()


class Case(Value, frozen=True, omit_defaults=True):
    """The bracket around one past-due episode. `reminder_seq` is the fact of its newest reminder, `oldest_since` when a
    payment or a hold last made another debt the oldest that is not held."""

    no: int
    opened_on: date
    terms: Terms
    reminder_seq: int = 0
    oldest_since: datetime | None = None
    written_off: bool = False
    challenges: int = 0
    """How many challenges have counted as in flight (spec, section 4, point 6: at most two)."""
    waited: bool = False
    """Whether the customer has said that a transfer is on its way: that is waited for once."""


class Doubt(Value, frozen=True, omit_defaults=True):
    """Something unknown that concerns this account: an attempt without an outcome, a bank credit to look at, a transfer
    that is on its way (`ref` is the day on which it was made). It ends by itself on the morning after `until`."""

    kind: DoubtKind
    ref: str
    until: date | None = None


class Account(Value, frozen=True, omit_defaults=True):
    """Everything that `decide` reads about one account."""

    no: int
    terms: Terms
    mode: Mode = Mode.CARD
    debts: tuple[Debt, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    holds: tuple[Hold, ...] = ()
    credit: dict[str, int] = msgspec.field(default_factory=dict)
    case: Case | None = None
    doubts: tuple[Doubt, ...] = ()
    noticed_on: date | None = None
    parked: str = ""
    debt_count: int = 0
    hold_count: int = 0
    case_count: int = 0
    methods: tuple[Method, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    attempt_count: int = 0
    default_method: int = 0
    """The payment method that pays for what is added later; 0 while there is none."""
    announced: tuple[Announcement, ...] = ()
    credit_limits: dict[str, int] = msgspec.field(default_factory=dict)
    """How much may be open in invoice mode, in minor units by currency; more stops nothing, and is a task."""
    arrangements: tuple[Arrangement, ...] = ()
    """The promises to pay, and the instalments, that are neither kept in full nor broken."""
    arrangement_count: int = 0

    @property
    def past_due(self) -> tuple[Debt, ...]:
        """The past-due debts whose case is not over, oldest due date first."""
        return tuple([d for d in self.debts if d.day_0 is not None and not d.ended])

    def subscription(self, no: int) -> Subscription:
        """The subscription with this number; KeyError if there is none."""
        for subscription in self.subscriptions:
            if subscription.no == no:
                return subscription
        raise KeyError(no)

    def debt(self, no: int) -> Debt | None:
        """The open debt with this number, or None when it is paid or was never issued."""
        for debt in self.debts:
            if debt.no == no:
                return debt
        return None

    def debts_of(self, subscription: Subscription) -> tuple[Debt, ...]:
        """The past-due debts whose clock this subscription follows: its own, or all where the policy says so."""
        if self.case is None:
            return ()
        return self.past_due if self.case.terms.account_wide else self.debts_for(subscription)

    def debts_for(self, subscription: Subscription) -> tuple[Debt, ...]:
        """The past-due debts that name this subscription: only for these may it be deleted."""
        return tuple([d for d in self.past_due if subscription.no in d.subscriptions])

    @property
    def waits(self) -> bool:
        """Whether an escalation was deferred and must be looked at again as soon as the doubt is gone."""
        for sub in self.subscriptions:
            if sub.disable.doubted or sub.restrict.doubted or (sub.end is not None and sub.end.delete.doubted):
                return True
        return False

    def method(self, no: int) -> Method:
        """The payment method with this number, removed or not; KeyError if there was none."""
        for method in self.methods:
            if method.no == no:
                return method
        raise KeyError(no)

    def attempt(self, no: int) -> Attempt | None:
        """The open attempt with this number, or None when it is over."""
        return next((attempt for attempt in self.attempts if attempt.no == no), None)

    def attempt_on(self, debts: Iterable[int]) -> Attempt | None:
        """The open attempt that is for any of these debts."""
        wanted = set(debts)
        return next((a for a in self.attempts if any(part.debt in wanted for part in a.parts)), None)

    def debt_is_held(self, no: int) -> bool:
        """Whether a hold on this very debt is open: then nothing follows from it, and it is not asked for."""
        return any(h.scope is HoldScope.DEBT and h.target == no and h.ended_at is None for h in self.holds)

    def debt_is_withheld(self, no: int) -> bool:
        """Whether it is held otherwise than by a promise to pay: then no settlement takes it, and no credit."""
        return any(
            h.scope is HoldScope.DEBT and h.target == no and h.ended_at is None and not h.arrangement
            for h in self.holds
        )

    def arrangement_on(self, no: int) -> Arrangement | None:
        """The promise to pay, or the instalments, that this debt is in."""
        return next((one for one in self.arrangements if no in one.debts), None)


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Account)


def encode_account(account: Account) -> str:
    """The canonical JSON text of an account; equal accounts give equal texts."""
    return _encoder.encode(account).decode()


def decode_account(text: str | bytes) -> Account:
    """The account from its JSON text; raises msgspec.ValidationError for a text we did not write."""
    return _decoder.decode(text)
