"""Everything that lets somebody do something because they have it: links, cookies, sessions, tokens. What each allows,
how long, and what ends it before: whatever ends its reason ends it in the same transaction, or that is looked at
whenever it is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.closed import closed


class Capability(StrEnum):
    """What somebody may hold."""

    PAY_LINK = "pay_link"
    ADDRESS_LINK = "address_link"
    HELP_LINK = "help_link"
    CONVERSATION = "conversation"
    INVITATION = "invitation"
    NEW_PASSWORD = "new_password"
    SESSION = "session"
    PROOF = "proof"
    KNOWN_BROWSER = "known_browser"
    STAFF_SESSION = "staff_session"
    API_TOKEN = "api_token"
    BANNER_TOKEN = "banner_token"


class Ending(StrEnum):
    """What can end one, besides its own time. `USED`, `REPLACED` (another of the same kind was asked for) and
    `WITHDRAWN` befall itself. `RESET`: its holder's password was set anew by a link, `CHANGED`: by themselves;
    `TAKEN_OFF`: they have no role any more; `SUCCEEDED`: somebody else is the administrator."""

    USED = "used"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    CASE_ENDED = "case_ended"
    ADDRESS_CHANGED = "address_changed"
    RESET = "reset"
    CHANGED = "changed"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere"
    TAKEN_OFF = "taken_off"
    SUCCEEDED = "succeeded"
    STAFF_LEFT = "staff_left"
    STAFF_PASSWORD = "staff_password"
    REVOKED = "revoked"


class CapabilityTerms(NamedTuple):
    """What a capability `allows`, in words; how long it `lasts` (None: until something ends it); what ends it."""

    allows: str
    lasts: timedelta | None
    ends_with: frozenset[Ending]


_E: Final = Ending
_ACCESS_LOST: Final = frozenset({_E.TAKEN_OFF, _E.SUCCEEDED})
_PASSWORD: Final = frozenset({_E.RESET, _E.CHANGED})
_SIGNED_IN: Final = _ACCESS_LOST | _PASSWORD | {_E.SIGNED_OUT, _E.SIGNED_OUT_ELSEWHERE}
# Long enough for a week away; who comes later asks for another.
_A_WEEK: Final = timedelta(days=7)

CAPABILITIES: Final[Mapping[Capability, CapabilityTerms]] = closed(
    "what lets somebody do something",
    Capability,
    {
        Capability.PAY_LINK: CapabilityTerms(
            "pay what is owed, once", None, frozenset({_E.CASE_ENDED, _E.ADDRESS_CHANGED}) | _ACCESS_LOST
        ),
        Capability.ADDRESS_LINK: CapabilityTerms(
            "make an address the contact address",
            _A_WEEK,
            frozenset({_E.USED, _E.REPLACED, _E.ADDRESS_CHANGED}) | _PASSWORD | _ACCESS_LOST,
        ),
        Capability.HELP_LINK: CapabilityTerms("confirm that one asked for help", _A_WEEK, frozenset({_E.USED})),
        # As long as data is kept; each answer brings a new one. Of who came by a pay link; a stranger's has no reason
        # that could end.
        Capability.CONVERSATION: CapabilityTerms(
            "read one conversation and add to it",
            timedelta(days=90),
            frozenset({_E.ADDRESS_CHANGED}) | _ACCESS_LOST,
        ),
        Capability.INVITATION: CapabilityTerms(
            "take up a role on an account",
            _A_WEEK,
            frozenset({_E.USED, _E.REPLACED, _E.WITHDRAWN}) | _PASSWORD | _ACCESS_LOST,
        ),
        # NIST SP 800-63B-4 lets a link by mail be good for a day.
        Capability.NEW_PASSWORD: CapabilityTerms(
            "choose another password", timedelta(days=1), frozenset({_E.USED}) | _PASSWORD | _ACCESS_LOST
        ),
        Capability.SESSION: CapabilityTerms(
            "see an account, and pay as its administrator", timedelta(hours=12), _SIGNED_IN
        ),
        Capability.PROOF: CapabilityTerms(
            "change addresses, people and ways to sign in", timedelta(minutes=5), _SIGNED_IN
        ),
        Capability.KNOWN_BROWSER: CapabilityTerms(
            "be counted apart from strangers who guess", timedelta(days=365), frozenset()
        ),
        Capability.STAFF_SESSION: CapabilityTerms(
            "work in the console",
            timedelta(hours=12),
            frozenset({_E.SIGNED_OUT, _E.STAFF_LEFT, _E.STAFF_PASSWORD}),
        ),
        Capability.API_TOKEN: CapabilityTerms("what its scope says", None, frozenset({_E.REVOKED})),
        Capability.BANNER_TOKEN: CapabilityTerms(
            "read the alerts of one account", timedelta(minutes=15), frozenset({_E.REVOKED})
        ),
    },
)
"""A pay link lasts as long as its case (spec, section 7), the page of a payment provider as long as that lets it, a
token as long as whoever made it said."""

LASTS: Final[Mapping[Capability, timedelta]] = {one: held.lasts for one, held in CAPABILITIES.items() if held.lasts}
"""How long each lasts at most, from the moment at which it was asked for or given."""
