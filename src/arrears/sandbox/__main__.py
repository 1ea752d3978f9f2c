"""`python -m arrears.sandbox [PORT]`: the sandbox provider as a process of its own, until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

from arrears.core.errors import Refused
from arrears.sandbox.run import running
from arrears.settings import read


def main() -> int:
    """Run until interrupted. A setting that is wrong is refused here too, though the sandbox needs none."""
    try:
        read()
        with running(_port(sys.argv[1:])) as sandbox:
            sys.stdout.write(f"sandbox provider on {sandbox.url} (Ctrl-C ends it)\n")
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _port(arguments: list[str]) -> int:
    given = arguments[0] if arguments else "0"
    if len(arguments) > 1 or not (given.isascii() and given.isdecimal()) or int(given) > 65_535:
        raise Refused("bad_port", f"{' '.join(arguments)!r} is no port; give one number up to 65535, or nothing")
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
