"""Facts that the world answers: what services, mail servers and staff did with what we asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from arrears.core.account import Action
from arrears.core.facts.base import Fact


class WarnedHow(StrEnum):
    """How somebody is warned otherwise than by a message of ours."""

    LETTER = "letter"
    TELEPHONE = "telephone"
    IN_PERSON = "in_person"


class OrderAcknowledged(Fact, frozen=True, tag="order_acknowledged"):
    """The service's word. `overtaken`: a newer order had come first, so this one was not carried out and never will be;
    nothing follows from it. `ended_on` is the day from whose end retention counts, for an order to disable. What runs
    again or was deleted is told: not before `tell_at`, as of the day `on`. `deleted` is what the service counted, by
    its own names (`{"files": 12}`); empty where it counts nothing."""

    subscription: int
    order_no: int
    order: str
    generation: int
    ended_on: date | None = None
    tell_at: datetime | None = None
    on: date | None = None
    deleted: Mapping[str, int] = {}
    overtaken: bool = False


class OrderRepeated(Fact, frozen=True, tag="order_repeated"):
    """A service is not in the state that its newest order made, so the same is ordered anew, by a number of its own
    (`restrict`, `disable` or `resume`; a deletion is ordered once). Nothing else follows: no date moves by it."""

    subscription: int
    order_no: int
    order: str
    generation: int


class DeletedInPart(Fact, frozen=True, tag="deleted_in_part"):
    """The service's word that an order to delete is carried out in part: the order stays open, and `left` says what is
    still there, by the service's own names, as `deleted` does of what is gone."""

    subscription: int
    order_no: int
    generation: int
    left: Mapping[str, int]
    deleted: Mapping[str, int] = {}


class NoticeAccepted(Fact, frozen=True, tag="notice_accepted"):
    """A mail server took the message of fact `notice` for at least one address that has not hard-bounced. `digest`
    is that of the text (SHA-256), whose words are in an erasable table; `left_out` are the subscriptions of whose
    warnings it no longer spoke, since a newer message does, or of which others were warned than are told by now."""

    notice: int
    digest: str = ""
    left_out: tuple[int, ...] = ()


class NoticeFailed(Fact, frozen=True, tag="notice_failed"):
    """The message of fact `notice` was refused, was not sent because it was no longer true, or its fate is
    unknown. It does not count as accepted and is never sent again."""

    notice: int
    why: str


class NoticeBounced(Fact, frozen=True, tag="notice_bounced"):
    """A message of fact `notice` came back, or its reader complained: `how` is `hard` (the address does not exist),
    `soft` (any other final reason) or `complaint`, `message` its number within the notice.

    `lost` are the notices, this or earlier ones, that count no longer: from every address that took one it came back.
    `again`: it goes to another address now. `reachable`: whether any address of the account is left at all.
    `tell`: staff are asked to look; an open task counts it, and one that was closed is opened anew.
    """

    notice: int
    message: int
    how: str
    why: str
    lost: tuple[int, ...] = ()
    again: bool = False
    reachable: bool = True
    tell: bool = False


class RecipientsChanged(Fact, frozen=True, tag="recipients_changed"):
    """Others are told of what lies ahead than those who were warned of it. `lost` are the notices whose warnings count
    no longer, since nobody who is to be told now has got one; where somebody took the administrator's place
    (`replaced`), neither does what staff told otherwise. `tell`: it was not the first time, and staff are asked to tell
    them otherwise."""

    lost: tuple[int, ...] = ()
    replaced: bool = False
    tell: bool = False


class WarnedOtherwise(Fact, frozen=True, tag="warned_otherwise"):
    """A person was told of the warning in fact `notice` that names this action of this subscription, otherwise than by
    a message of ours, on the local day `on`; that counts as acceptance from when it is recorded, of this one warning.
    `proof` says where the proof is kept, and names nobody: who told them is the author, and what was said is the
    reason."""

    notice: int
    subscription: int
    action: Action
    how: WarnedHow
    on: date
    proof: str


class TaskClosed(Fact, frozen=True, tag="task_closed"):
    task: int
    outcome: str
