"""Rows that were sent by a program or a person instead of a file: an import of these alone, each account by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from arrears.core.known import IMPORTER
from arrears.core.receivables import AccountRows, NamedThings, rows_of_accounts
from arrears.engine.commands.import_part import BookPart
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.wiring import installed


def import_rows(
    accounts: Iterable[AccountRows],
    columns: Mapping[str, str],
    wrong: Mapping[str, dict[int, str]],
    misread: Sequence[tuple[str, NamedThings]],
    look: Callable[[BookPart], None],
) -> ImportReport:
    """Take each account whose rows can be taken. `columns` names the fields to their sender, `wrong` are the rows that
    could not be read, `misread` what they name; `look` sees what was there, under its locks, and may refuse. Refuses
    `import_under_way`."""
    live = installed()
    source = rows_of_accounts(accounts, columns, wrong, misread)
    return import_book(live.store, source, live.clock.now(), IMPORTER, per_account=True, whole=False, look=look)
