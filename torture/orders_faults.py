"""Faults of `torture.orders --faults`: what a delivery of orders may get wrong, put back one at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from arrears_receiver import Receiver, Record
from arrears_receiver import receiver as receiving

from arrears.core.rules import late
from arrears.engine import drift, orders, perform
from arrears.ports import DeliveryAnswer
from torture.put_back import Fault, Swap


def _accepted_is_done() -> Sequence[Swap]:
    was = orders.record_answer

    def record(unit: Any, policies: Any, name: Any, words: Any) -> Any:
        return was(unit, policies, name, {**words, "state": words["state"].replace("accepted", "done")})

    return [(orders, "record_answer", record)]


def _any_answer_is_done() -> Sequence[Swap]:
    was = orders.read_answer

    def read(words: Any, order: str) -> Any:
        return was(words if words else {"state": "done", "order": order}, order)

    return [(orders, "read_answer", read)]


def _one_name_for_all_orders() -> Sequence[Swap]:
    def name(account: int, subscription: int, _number: int) -> str:
        return f"o{account}-{subscription}-1"

    return [(perform, "order_id", name)]


def _nobody_hears() -> Sequence[Swap]:
    return [(orders.OrderAnswers, "heard", lambda *_: {})]


def _nobody_asks() -> Sequence[Swap]:
    return [(drift.DriftWatch, "look", lambda *_: 0), (drift, "repeat_order", lambda *_: False)]


def _late_is_nothing() -> Sequence[Swap]:
    return [(late, "RESUME_WITHIN", timedelta(days=4000))]


def _late_requests_are_obeyed() -> Sequence[Swap]:
    was = Receiver._take

    def take(self: Receiver, order: Any, record: Record) -> Any:
        if order.sequence < record.sequence:
            record.sequence, record.command, record.left = 0, "", {}
        return was(self, order, record)

    return [(receiving.Receiver, "_take", take)]


def _forgotten_deletions_stay_so() -> Sequence[Swap]:
    was = drift.DriftWatch._repair

    def repair(self: Any, one: Any, difference: Any) -> None:
        if difference.wanted != "deleted":
            was(self, one, difference)

    return [(drift.DriftWatch, "_repair", repair)]


def _refused_is_done() -> Sequence[Swap]:
    was = orders.OrderAnswers.heard

    def heard(self: Any, answered: Any, now: Any) -> Any:
        found = []
        for claim, answer in answered:
            if answer.status == 500:
                words = {"state": "done", "order": claim.message}
                answer = DeliveryAnswer(200, "", json.dumps(words).encode())
            found.append((claim, answer))
        return was(self, found, now)

    return [(orders.OrderAnswers, "heard", heard)]


FAULTS: Final = (
    Fault("accepted counts as done", _accepted_is_done, seed=2),
    Fault("200 and nothing said counts as done", _any_answer_is_done),
    Fault("500 counts as done", _refused_is_done, seed=2),
    Fault("all orders of a subscription have one name", _one_name_for_all_orders),
    Fault("what services answer is not recorded", _nobody_hears),
    Fault("nobody asks services what they are in", _nobody_asks),
    Fault("nobody is asked to look after a resume that is late", _late_is_nothing, seed=2),
    Fault("the receiver obeys what comes late", _late_requests_are_obeyed),
    Fault("a deletion that an old backup has undone is not given again", _forgotten_deletions_stay_so),
)
"""Their seeds are of worlds of `--accounts 6 --hours 12`."""
