"""Performance, each figure beside bare SQL doing the same durable writes in the same run."""

import sys
from pathlib import Path

# The service that `bench.orders` gives its orders to is the receiver's: a package of its own, and not installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "receiver" / "src"))
