"""What has been told about an action before it happens, and which of the warnings count (spec, section 3)."""

from __future__ import annotations

from datetime import date, datetime

from arrears.core.value import Value


class SentWarning(Value, frozen=True, omit_defaults=True):
    """One recorded warning: the rung, the date it names, its day by the action's own clock, its fact, and since when it
    is accepted for an address from which it has not come back; or, `otherwise`, told by a person."""

    step: int
    promised_on: date
    on: date
    seq: int
    accepted_at: datetime | None = None
    otherwise: bool = False


class Promise(Value, frozen=True, omit_defaults=True):
    """What has been told about one action in the running episode of one subscription.

    `promised_on` is the latest date told on a page or in an accepted warning; the action is never earlier. The lead
    runs from `accepted_at` of the first warning that counts, that of fact `accepted_seq`; older ones than fact
    `since_seq` do not count.
    `readdressed`: how often its warnings stopped counting since others are told now (decision 29).
    `doubted`: a doubt stood at the deadline. `renew_from`: a hold or doubt that voided the warnings ended then, or the
    last one that counted came back.
    """

    promised_on: date | None = None
    accepted_at: datetime | None = None
    accepted_seq: int = 0
    since_seq: int = 0
    sent: tuple[SentWarning, ...] = ()
    doubted: bool = False
    renew_from: datetime | None = None
    readdressed: int = 0

    @property
    def counting(self) -> tuple[SentWarning, ...]:
        """The warnings that count: accepted, and not void."""
        return tuple([s for s in self.sent if s.seq > self.since_seq and s.accepted_at is not None])

    @property
    def first_named(self) -> date | None:
        """The day that the first warning that counts names, from which the lead runs; None without one."""
        named = [warning.promised_on for warning in self.counting if warning.seq == self.accepted_seq]
        return min(named, default=None)

    def newest(self, until: date = date.max) -> SentWarning | None:
        """The newest warning that is not void, of this day by the action's own clock or before; None without one."""
        sent = [s for s in self.sent if s.seq > self.since_seq and s.on <= until]
        return max(sent, key=lambda s: s.seq, default=None)
