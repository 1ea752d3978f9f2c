"""Handing one message over to its channel, and asking what became of one whose sender died."""

from __future__ import annotations

from typing import Final

from arrears.engine.failpoints import reached
from arrears.ports import Channel, Delivery, DeliveryAbout, Fate, Message

BROKE_MAX: Final = 3
"""So many recipients in a row at whom a server broke off, and it is the server."""


class Patience:
    """How long a server is still asked in one round: one recipient at whom it breaks off, each time, must not keep
    everybody else's mail back."""

    def __init__(self) -> None:
        self._broke = 0

    def is_over(self, delivery: Delivery) -> bool:
        """Whether it takes nothing for now, by its newest answer."""
        self._broke = self._broke + 1 if delivery.broke else 0
        return delivery.about is DeliveryAbout.SERVER and (not delivery.broke or self._broke >= BROKE_MAX)


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
