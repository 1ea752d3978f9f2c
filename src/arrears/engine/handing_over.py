"""Handing one message over to its channel, and asking what became of one whose sender died."""

from __future__ import annotations

from typing import Final

from arrears.engine.failpoints import reached
from arrears.ports import Channel, Delivery, DeliveryAbout, Fate, Message

BROKE_MAX: Final = 3
"""So many addresses in a row at which a server broke off or said that it takes nothing, and it is the server."""


class Patience:
    """How long a server is still asked in one round: one address at which it breaks off or takes nothing, each time,
    must not keep everybody else's mail back."""

    def __init__(self) -> None:
        self._broke: set[str] = set()

    def is_over(self, delivery: Delivery, address: str) -> bool:
        """Whether it takes nothing for now, by its newest answer, which was about this address."""
        if not delivery.broke:
            self._broke.clear()
            return delivery.about is DeliveryAbout.SERVER
        self._broke.add(address.lower())
        return len(self._broke) >= BROKE_MAX


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
