"""Handing one message over to its channel, and asking what became of one whose sender died."""

from __future__ import annotations

from typing import Final

from arrears.core.address import domain_of, mailbox_of
from arrears.engine.failpoints import reached
from arrears.ports import Channel, Delivery, DeliveryAbout, Fate, Message

BROKE_MAX: Final = 3
"""So many addresses in a row at which a server broke off or said that it takes nothing, and it is more than one
address: of one domain whoever takes mail there, of several the server."""


SPARED: Final = Delivery(
    Fate.NOT_SENT, DeliveryAbout.EITHER, f"not tried: nothing was taken for {BROKE_MAX} other addresses of its domain"
)
"""What becomes of a message whose domain takes nothing for now."""


class Patience:
    """How long a server is still asked in one round: one address, or one domain, at which it breaks off or takes
    nothing, each time, must not keep everybody else's mail back."""

    def __init__(self) -> None:
        self._broke: dict[str, str] = {}
        self._shut: set[str] = set()

    def is_over(self, delivery: Delivery, address: str) -> bool:
        """Whether it takes nothing for now, by its newest answer, which was about this address."""
        if not delivery.broke:
            self._broke.clear()
            return delivery.about is DeliveryAbout.SERVER
        self._broke[mailbox_of(address)] = domain = domain_of(address)
        if list(self._broke.values()).count(domain) >= BROKE_MAX:
            self._shut.add(domain)
        return len(self._broke) >= BROKE_MAX and len(set(self._broke.values())) > 1

    def spares(self, address: str) -> bool:
        """Whether nothing more is tried for the domain of this address in this round."""
        return domain_of(address) in self._shut


def looked_up(channel: Channel, message_id: str) -> Fate:
    """Ask the channel what became of a message whose sender died. Unknown where it cannot tell: the message is then
    never sent once more."""
    reached("look_up.before_call")
    fate = channel.look_up(message_id)
    reached("look_up.after_call")
    return fate


def handed_over(channel: Channel, message: Message) -> Delivery:
    """Hand a message over whose claim is committed, at most once; what became of it."""
    reached("send.before_call")
    delivery = channel.send(message)
    reached("send.after_call")
    return delivery
