"""The operator's file with who asks on invoices and their bank accounts (docs/invoices.md)."""

from __future__ import annotations

import tomllib
from pathlib import Path

from arrears.core.bank.invoicing import Invoicing, invoicing_of
from arrears.core.errors import Refused


def read_invoicing(path: Path) -> Invoicing:
    """What the file says. Refuses `bad_invoicing` with the first thing that is wrong, in one line."""
    try:
        return invoicing_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(path, f"is not TOML: {error}") from None
    except ValueError as error:
        raise _refused(path, str(error)) from None


def _refused(path: Path, why: str) -> Refused:
    return Refused("bad_invoicing", f"ARREARS_INVOICING: {path.name}: {why}")
