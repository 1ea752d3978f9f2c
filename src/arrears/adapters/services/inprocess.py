"""Services inside this process: they obey at once and say so. Real ones are reached over HTTP."""

from __future__ import annotations

from datetime import datetime

from arrears.ports import Obeyed, Order


class InProcessServices:
    """Keeps the state each subscription was last ordered into, dropping repeats and overtaken orders."""

    def __init__(self) -> None:
        self.state: dict[tuple[int, int], str] = {}
        self._newest: dict[tuple[int, int], int] = {}
        self.performed = 0

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        key = (order.account, order.subscription)
        if order.number > self._newest.get(key, 0):
            self._newest[key] = order.number
            self.state[key] = order.command
            self.performed += 1
        return Obeyed(now)
