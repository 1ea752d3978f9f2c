"""Every cut happens on the very day that a second reading of the spec's text gives, over random histories."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from tests.sizes import few
from tests.stories.play import Plot, played, plots

from arrears.sim.ladder import disagreements

HISTORIES = few(40, 2_000)


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(plots())
def test_every_cut_happens_on_the_day_that_the_text_gives(plot: Plot) -> None:
    play = played(plot, calm_days=250)
    assert list(disagreements(play.history, play.store.policies())) == []
