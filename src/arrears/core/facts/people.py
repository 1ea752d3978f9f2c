"""Facts about support requests. They carry numbers only: what people write, and who they are, is in rows that can be
erased."""

from __future__ import annotations

import msgspec

from arrears.core.facts.base import Fact
from arrears.core.people.support import About, Via


class SupportOpened(Fact, frozen=True, tag="support_opened"):
    """A person asks for help. `holds` are the holds that were placed for it, in this case (`case`, see
    support.bracket). `tell`: its arrival is told through the account's own mail."""

    request: int
    about: About
    via: Via
    case: int
    person: int = 0
    holds: tuple[int, ...] = ()
    tell: bool = False


class SupportSaid(Fact, frozen=True, tag="support_said"):
    """The person has written more."""

    request: int


class SupportAnswered(Fact, frozen=True, tag="support_answered"):
    """Staff have answered; `person` 0 stands for the administrator."""

    request: int
    person: int = 0
    tell: bool = False


class SupportClosed(Fact, frozen=True, tag="support_closed"):
    """Nothing is left to do. What was held stays held, and no date moves."""

    request: int


class LateOrder(msgspec.Struct, frozen=True):
    """An order to run again that nobody has acknowledged in time; `given_seq` is the fact that gave it."""

    subscription: int
    generation: int
    order_no: int
    given_seq: int


class ResumeLate(Fact, frozen=True, tag="resume_late"):
    """What should run again does not after 24 hours: a support request opens by itself, named by this fact."""

    orders: tuple[LateOrder, ...]


class AddressAsked(Fact, frozen=True, tag="address_asked"):
    """A link goes to an address, to be confirmed as a person's contact address: a new one, or the one there is, which
    is asked for again after 90 days."""

    person: int
    request: int
    again: bool = False


class AddressConfirmed(Fact, frozen=True, tag="address_confirmed"):
    """The link of that request was used. `changed`: messages now go there, and the address before is told."""

    person: int
    request: int
    changed: bool = False


class TestAsked(Fact, frozen=True, tag="test_asked"):
    """A person wants to see whether messages arrive."""

    person: int


class Invited(Fact, frozen=True, tag="invited"):
    """Somebody is invited to be the administrator or a billing reader; the link goes to their address. `by_person` is
    the person of the account who invites; 0 for the operator's staff, who invite in nobody else's name."""

    link: int
    role: str
    by_person: int = 0


class InvitationWithdrawn(Fact, frozen=True, tag="invitation_withdrawn"):
    """The link of that invitation lets nobody in any more."""

    link: int


class InvitationAccepted(Fact, frozen=True, tag="invitation_accepted"):
    """The link was used: this person has the role from now on."""

    link: int
    person: int
    role: str


class AccessEnded(Fact, frozen=True, tag="access_ended"):
    """A billing reader sees this account no longer."""

    person: int


class PersonErased(Fact, frozen=True, tag="person_erased"):
    """What was held about a person is erased: the account does not reach them any more. `role` is what they were to it:
    `administrator`, `billing_reader`, `contact` (the operator's own address for it) or `technical`; `person` is 0 for
    who was known by an address alone."""

    person: int
    role: str


class ResetAsked(Fact, frozen=True, tag="reset_asked"):
    """A link to choose a new password goes to a person's sign-in address. Who asked is not known."""

    person: int
    link: int


class SignInChanged(Fact, frozen=True, tag="sign_in_changed"):
    """How a person signs in has changed, and they are told: `what` is a word of `core.notice.SIGN_IN_CHANGES`."""

    person: int
    what: str
