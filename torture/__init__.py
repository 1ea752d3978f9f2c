"""Faults on purpose: each module breaks one thing many times and counts what was lost. Zeros with denominators."""

import sys
from pathlib import Path

# The services that obey here are those of the receiver's kit, which is a package of its own and not installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "receiver" / "src"))
