"""What a person reads about an account: a sentence for every fact, and the facts that its state rests on."""

from __future__ import annotations

import pytest
from tests.stories.story import Story, table

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.causes import causes
from arrears.sim.simulate import simulate
from arrears.sim.story import as_text, tell
from arrears.store.memory.store import MemoryStore


def lines_of(story: Story) -> list[str]:
    return table("\n".join(as_text(line) for line in tell(story.history())))


def because(story: Story) -> list[str]:
    kinds = {r.seq: f.kind_of(r.fact) for r in story.history()}
    return [kinds[seq] for seq in causes(story.account, story.history())]


def test_a_disablement_and_a_resume_are_told_by_day() -> None:
    story = Story()
    story.until(31, "12:00")
    story.pay()
    assert lines_of(story)[2:] == table(
        """
        2025-12-31           invoice     I1-1: €120.00, due 1 January 2026
        2026-01-02  day   0  past due    I1-1; a case opens
        2026-01-02  day   0  date        cloud stops on 1 February 2026 unless everything is paid
        2026-01-02  day   0  reminder    of day 0
        2026-01-05  day   3  reminder    of day 3
        2026-01-09  day   7  reminder    of day 7
        2026-01-16  day  14  reminder    of day 14
        2026-01-23  day  21  warning     cloud stops on 1 February 2026
        2026-01-30  day  28  warning     cloud stops on 1 February 2026
        2026-02-02  day  31  disabled    cloud stopped at the end of 1 February 2026; its data is kept
        2026-02-02  day  31  done        cloud has carried out disable
        2026-02-02  day  31  date        cloud is deleted with its data on 2 May 2026 unless everything is paid
        2026-02-02  day  31  told        cloud was disabled on 1 February 2026
        2026-02-02  day  31  paid        €120.00 (P1)
        2026-02-02  day  31  resumed     cloud is ordered to run again
        2026-02-02  day  31  case ends   settled
        2026-02-02           done        cloud has carried out resume
        2026-02-02           told        cloud has been running again since 2 February 2026
        """
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_every_fact_of_a_made_up_world_has_a_line(seed: int) -> None:
    store = MemoryStore()
    simulate(store, 12, 150, seed)
    for number in range(1, 13):
        history = store.history(number)
        lines = list(tell(history, every_fact=True))
        assert [line.seq for line in lines] == [r.seq for r in history]
        assert all(line.what for line in lines)


def test_a_state_rests_on_the_facts_that_are_still_in_force() -> None:
    story = Story()
    story.until(5)
    assert because(story) == ["became_past_due"]
    story.doubt(DoubtKind.BANK_CREDIT)
    assert because(story) == ["became_past_due", "doubt_raised"]
    story.clear(DoubtKind.BANK_CREDIT)
    held = story.dispute()
    assert because(story) == ["became_past_due", "hold_placed"]
    story.release(held)
    story.pay()
    assert because(story) == ["case_ended"]


def test_a_stop_rests_on_the_debt_and_on_each_other_reason() -> None:
    story = Story()
    story.until(40)
    assert because(story) == ["became_past_due", "disabled"]
    story.block()
    assert because(story) == ["became_past_due", "disabled", "reason_set"]
    story.pay()
    assert because(story) == ["reason_set"]
    story.unblock()
    assert because(story) == ["case_ended"]


def test_a_deletion_rests_on_what_led_to_it_even_when_the_debt_is_paid_afterwards() -> None:
    story = Story()
    story.until(125)
    assert because(story) == ["became_past_due", "disabled", "deletion_ordered"]
    story.pay()
    assert because(story) == ["became_past_due", "disabled", "deletion_ordered"]
