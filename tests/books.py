"""The receivables books that tests read: the sample beside the project, where it is there, and one of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[1]

SAMPLE: Final = _ROOT.parent / "shared" / "data" / "accounts-receivable.csv"
"""2,466 invoices of 100 customers (IBM's "late payment histories"). It is not part of the project."""

OWN: Final = _ROOT / "examples" / "receivables.csv"
"""108 invoices of twelve made-up customers over most of a year, in the same columns, most of them late now and then."""

MAP: Final = _ROOT / "examples" / "maps" / "accounts-receivable.toml"
"""The map of both."""

NOT_BESIDE: Final = "not beside the project"
"""How every reason ends for which a test is left out where the project alone is cloned: one line counts them."""

MISSING: Final = f"the sample book is {NOT_BESIDE}"
needs_sample: Final = pytest.mark.skipif(not SAMPLE.exists(), reason=MISSING)
BOTH: Final = [pytest.param(SAMPLE, id="sample", marks=needs_sample), pytest.param(OWN, id="own")]
PLAYED: Final = [pytest.param(SAMPLE, id="sample", marks=[needs_sample, pytest.mark.long]), pytest.param(OWN, id="own")]
"""For what plays a whole book, where the sample takes long."""
