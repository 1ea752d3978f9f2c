"""A channel that keeps what it was given: for simulation and replay, where nobody reads mail."""

from __future__ import annotations

from arrears.ports import Delivery, Fate, Message


class MemoryChannel:
    """Accepts every message at once; `sent` counts them and `last` keeps the newest."""

    def __init__(self) -> None:
        self.sent = 0
        self.last: Message | None = None

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self.sent += 1
        self.last = message
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel. In one process nobody dies half-way."""
        return Fate.NOT_SENT
