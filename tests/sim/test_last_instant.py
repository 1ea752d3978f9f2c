"""The last instant of a made-up world is as good as any: what was lost in it is found before the books are compared."""

from __future__ import annotations

from datetime import timedelta

from arrears.core.account import Mode
from arrears.core.calendar import calendar_of
from arrears.engine import commands
from arrears.engine.payments.sweep import look_up_open
from arrears.sim import events
from arrears.sim.bank import by_card
from arrears.sim.people import Bill
from arrears.sim.world import OPERATOR, World
from arrears.store.memory.store import MemoryStore


def test_an_answer_that_was_lost_in_the_very_last_instant_is_no_breach() -> None:
    world = World(MemoryStore(), 80, 1, 11)
    world.open()
    world.stage.until(world.end)
    for person in world.people.values():
        by_card(world.store, world.bank, person, events.GetCard(), world.stage.now)
        if person.mode is not Mode.CARD:
            continue
        yesterday = calendar_of(person.zone).local_day(world.stage.now) - timedelta(days=1)
        invoice = commands.Invoice(person.no, f"L{person.no}", "EUR", 1000 + person.no, yesterday, yesterday, (1,))
        [number] = commands.issue_invoices(world.store, [invoice], world.stage.now, OPERATOR)
        person.bills[number] = Bill(number, "EUR", invoice.total_minor, yesterday, (1,))
    world.stage.step()
    lost = list(world.bank.disagreements())
    assert lost, "some answers were lost in this very instant"
    look_up_open(world.store, world.bank.providers, world.stage.now)
    assert list(world.bank.disagreements()) == lost, "nobody may ask about them yet"
    world.compare_services()
    assert world.checker.breaches == []
