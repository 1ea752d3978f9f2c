"""One honest row and its map, from which the tests of the book reader make every bad one."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from arrears.adapters.books import BookMap, load_map, read_book
from arrears.core.receivables import ReceivablesBook

MAP = """
[file]
date_format = "%Y-%m-%d"
[account]
ref = { column = "Customer" }
name = { column = "Name" }
email = { column = "Mail" }
country = { column = "Country" }
zone = { column = "Zone" }
locale = { value = "en" }
[invoice]
number = { column = "Number" }
service = { column = "Service" }
issued_on = { column = "Issued" }
due_on = { column = "Due" }
amount = { column = "Amount" }
currency = { column = "Currency" }
disputed = { column = "Disputed", yes = "Yes", no = "No" }
[payment]
paid_on = { column = "Paid" }
[mode]
column = "Mode"
card = "C"
invoice = "I"
"""
HONEST = {
    "Customer": "c1",
    "Name": "Ada Byte",
    "Mail": "ada@example.org",
    "Country": "FR",
    "Zone": "Europe/Paris",
    "Number": "n1",
    "Service": "cloud",
    "Issued": "2024-01-01",
    "Due": "2024-01-31",
    "Amount": "12.50",
    "Currency": "EUR",
    "Disputed": "No",
    "Paid": "2024-02-03",
    "Mode": "C",
}
HEADER = ",".join(HONEST)


def as_csv(rows: list[dict[str, str]], columns: list[str] | None = None) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or list(HONEST), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(folder: Path, content: str | bytes, map_text: str = MAP) -> ReceivablesBook:
    file, map_file = folder / "book.csv", folder / "map.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    map_file.write_text(map_text, encoding="utf-8")
    return read_book(file, load_map(map_file))


def map_from(folder: Path, text: str) -> BookMap:
    path = folder / "book-map.toml"
    path.write_text(text, encoding="utf-8")
    return load_map(path)
