"""`python -m arrears.sandbox [PORT]`: the sandbox provider as a process of its own, until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

from arrears.core.errors import Refused
from arrears.sandbox.run import running


def main() -> int:
    """Run until interrupted."""
    try:
        with running(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as sandbox:
            sys.stdout.write(f"sandbox provider on {sandbox.url} (Ctrl-C ends it)\n")
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
