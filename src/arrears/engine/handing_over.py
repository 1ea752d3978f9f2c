"""Handing one message over to its channel, and asking what became of one whose sender died."""

from __future__ import annotations

from arrears.engine.failpoints import reached
from arrears.ports import Channel, Delivery, Fate, Message


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
