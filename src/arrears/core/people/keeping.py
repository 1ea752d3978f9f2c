"""How long is kept what may be removed, where the operator says nothing else."""

from __future__ import annotations

from typing import Final

TEXTS_DAYS: Final = 730
"""So long the text of a message can be shown: longer than any ladder with its disputes."""

PEOPLE_DAYS: Final = 730
"""So long people are kept after their last account that was served or owed: who comes back signs in as before."""
