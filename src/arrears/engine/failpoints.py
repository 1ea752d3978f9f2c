"""Places at which a process may be made to die, so that "killed at every step" can be tried instead of believed.

There is one before and one after every commit and every call to the outside. None does anything unless this process
was armed with the name of one; then it ends as a power cut would end it, without cleaning up.
"""

from __future__ import annotations

import os
import signal
from typing import Final, Literal, get_args

from arrears.core.errors import Refused

Point = Literal[
    "tick.before_commit",
    "tick.after_commit",
    "suspicion.before_commit",
    "suspicion.after_commit",
    "batch.before_commit",
    "batch.after_commit",
    "command.before_commit",
    "command.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "look_up.before_call",
    "look_up.after_call",
    "mail.before_commit",
    "mail.after_commit",
    "send.before_call",
    "send.after_call",
    "order.before_call",
    "order.after_call",
    "results.before_commit",
    "results.after_commit",
    "store.before_commit",
    "store.after_commit",
]
MoneyPoint = Literal[
    "attempt.after_begin",
    "attempt.before_look_up",
    "attempt.after_look_up",
    "attempt.before_call",
    "attempt.after_call",
    "attempt.before_resume",
]
RefundPoint = Literal[
    "refund.after_begin",
    "refund.before_call",
    "refund.after_call",
    "refund.before_book",
]
DeliveryPoint = Literal["delivery.after_claim", "delivery.after_post", "delivery.after_record"]
POINTS: Final[tuple[Point, ...]] = get_args(Point)
"""Those of the worker; the two of the store are reached by the store that `torture.worker` puts around the real one."""
MONEY_POINTS: Final[tuple[MoneyPoint, ...]] = get_args(MoneyPoint)
"""Those between a quote and the resume that it pays for: `torture.money` dies at each."""
REFUND_POINTS: Final[tuple[RefundPoint, ...]] = get_args(RefundPoint)
"""Those between a refund that is asked for and its place in the book: `tests/store/test_refund_killed.py`."""
DELIVERY_POINTS: Final[tuple[DeliveryPoint, ...]] = get_args(DeliveryPoint)
"""Those of a courier: `torture.events` dies at each."""


class _Fuse:
    """Which point this process dies at, and how many times it may still be passed."""

    def __init__(self) -> None:
        self.name = ""
        self.passes_left = 0


_fuse: Final = _Fuse()


def arm(spec: str | None) -> None:
    """Die at a point: `send.before_call:3` at the third time it is reached. None or an empty text arms nothing.

    Refuses `bad_failpoint`.
    """
    if not spec:
        _fuse.name = ""
        return
    name, _, count = spec.partition(":")
    if (
        name not in (*POINTS, *MONEY_POINTS, *REFUND_POINTS, *DELIVERY_POINTS)
        or not count.isdecimal()
        or int(count) < 1
    ):
        raise Refused("bad_failpoint", f"ARREARS_FAILPOINT={spec!r} names no point, or is not like {POINTS[0]}:1")
    _fuse.name, _fuse.passes_left = name, int(count) - 1


def reached(name: Point | MoneyPoint | RefundPoint | DeliveryPoint) -> None:
    """Pass, or die here (SIGKILL to this process and no other)."""
    if _fuse.name != name:
        return
    if _fuse.passes_left:
        _fuse.passes_left -= 1
        return
    os.kill(os.getpid(), signal.SIGKILL)
