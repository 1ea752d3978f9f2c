"""Mistakes in a map that every row would follow: sums in cents read as whole units, and invoices read as wholly open
although a column says what is left of them. Each is refused before a row is read, with the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from arrears.adapters.books.map_values import BookMap, Column
from arrears.core.errors import Refused
from arrears.core.row_fields import plain, quoted

_CENTS: Final = re.compile(r"(^|[^a-z])(cents?|minor|pence|centimes?|in_cents)($|[^a-z])", re.IGNORECASE)
_BALANCE: Final = re.compile(
    r"((amount|invoiceamount|total)[ _]?(due|remaining|outstanding|residual)|open[ _]balance|balance([ _]due)?"
    r"|outstanding([ _]amount)?|offener[ _]betrag|offen|restbetrag|(residual|due)[ _]amount)([ _]signed)?([ _]cents)?",
    re.IGNORECASE,
)


def refuse_unread_balance(row: int, header: Sequence[str], book_map: BookMap) -> None:
    """Raises Refused `bad_book` for a map that cannot be right for a file with these columns."""
    amount = book_map.invoice["amount"]
    if isinstance(amount, Column):
        says_cents = _CENTS.search(amount.name.replace("_", " ")) is not None
        if says_cents and not book_map.form.minor_units:
            way = "say minor_units = true under [file]"
            raise Refused("bad_book", f"row {row}, column {plain(amount.name)}: its name says cents; {way}")
    paid = book_map.payment.get("amount")
    if book_map.balance or isinstance(paid, Column):
        return
    unread = [name for name in header if _BALANCE.fullmatch(name.strip()) and name not in book_map.columns()]
    if unread:
        wrong = "says how much is still open, and the map does not read it"
        way = f"say open = {{ column = {quoted(unread[0])} }} under [invoice], instead of [payment]"
        raise Refused("bad_book", f"row {row}, column {plain(unread[0])}: {wrong}; {way}")
