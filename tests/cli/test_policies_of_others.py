"""Policies as people write them: each is taken as its first line wants, or the way out is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.cli.commands import arrears

FOLDER = Path(__file__).parents[3] / "shared" / "cases" / "import" / "policies"

SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "p10_never_delete": ("No data is ever deleted", "day   30  disabled"),
    "p11_per_plan": ("plan: is unknown; a policy is one ladder", "country: is unknown; a policy is one ladder"),
    "p12_half_money": ("EUR 1.5 is 150", "'eur' is not a currency; write EUR"),
    "p1_grace7_restrict": ("restrict.warning_days: has 0, and day 0 is the first reminder's", "day 21 is also in"),
    "p1b_grace7_restrict": ("day    8  restricted", "day   30  disabled"),
    "p2_3retries_cancel": ("retry.then: is unknown; take it out: after the last try the ladder goes on",),
    "p3_as_default": ("day   14  disabled",),
    "p3_monthly14": ("policy monthly14", "day   14  disabled"),
    "p5_enterprise_no_stop": ('disable.after_days: is 0; write a whole number of days from 1 to 3650 or "never"',),
    "p5b_enterprise_3650": ("day 3650  disabled",),
    "p6_germany28": ("day   14  warning of disablement", "day   28  disabled"),
    "p7_as_default": ("day   60  disabled",),
    "p7_b2b60": ("day   60  disabled",),
    "p8_trial": ("disable.warning_days: has 0", "delete.retention_days: is 14; write a whole number of days from 30"),
    "p8b_trial": ("day    2  disabled", "retention day   30  deletion scheduled"),
    "p9_weekends": ("told and kept as a working day of DE-BY",),
}
"""What `arrears policy check` says of each."""

REFUSED: Final = {
    *("p11_per_plan", "p12_half_money", "p1_grace7_restrict", "p2_3retries_cancel", "p5_enterprise_no_stop", "p8_trial")
}


@pytest.mark.turn(3)
@pytest.mark.skipif(not FOLDER.is_dir(), reason="the cases are kept beside the project, and are not here")
def test_each_file_gets_what_it_wants_or_a_line_that_says_the_way_out() -> None:
    files = {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}
    assert files.keys() == SAID.keys()
    for name, file in files.items():
        done = arrears("policy", "check", str(file))
        said = done.stdout + done.stderr
        assert [text for text in SAID[name] if text not in said] == [], (name, said)
        assert done.returncode == (2 if name in REFUSED else 0), (name, said)
