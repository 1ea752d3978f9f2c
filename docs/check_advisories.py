"""Asks pip-audit whether what the locks pin has a known advisory, and says so in a line with its date for each lock.

Where the advisory service cannot be reached, or knows nothing of a package, the line says that nobody could be asked:
pip-audit itself ends with "no known vulnerabilities" when it has skipped every package. `--record` also writes the
lines into docs/dependencies.md. Exit code 1 only for an advisory that was found.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements.lock", "requirements-dev.lock", "requirements-audit.lock")
RECORD: Final = ROOT / "docs" / "dependencies.md"
SECONDS_MAX: Final = 300


def answer(lock: Path) -> dict[str, Any]:
    """What pip-audit found, as its JSON; nothing where it could not say."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip", "--require-hashes"]
        command += ["--progress-spinner", "off", "--format", "json", "--output", str(found)]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS_MAX)
            read = json.loads(found.read_text(encoding="utf-8"))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {}
    return read if isinstance(read, dict) else {}


def said(found: dict[str, Any]) -> tuple[str, bool]:
    """What that comes to, in words, and whether there is an advisory."""
    packages = found.get("dependencies", [])
    asked = [one for one in packages if "skip_reason" not in one]
    hit = [
        f"{one['name']} {one['version']} ({', '.join(v['id'] for v in one['vulns'])})" for one in asked if one["vulns"]
    ]
    if hit:
        return f"ADVISORIES: {'; '.join(hit)}", True
    if not asked:
        return "not checked: the advisory service could not be reached, or knows none of the packages", False
    rest = f"; nothing is known of {len(packages) - len(asked)} more" if len(asked) < len(packages) else ""
    return f"{len(asked)} packages, none with a known advisory{rest}", False


def main() -> int:
    """Ask for each lock."""
    lines, bad = [], False
    for name in LOCKS:
        lock = ROOT / name
        what, hit = said(answer(lock))
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
        lines.append(f"| {datetime.now(UTC):%Y-%m-%d} | `{name}` {digest} | {what} |")
        bad = bad or hit
    sys.stdout.write("\n".join([*lines, ""]))
    if "--record" in sys.argv[1:]:
        text = RECORD.read_text(encoding="utf-8").rstrip("\n")
        RECORD.write_text("\n".join([text, *lines, ""]), encoding="utf-8")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
