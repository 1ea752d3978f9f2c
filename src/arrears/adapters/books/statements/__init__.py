"""Statements as banks send them, one file a format. None of them knows what a credit is for."""

from arrears.adapters.books.statements.apart import read_apart, read_content_apart
from arrears.adapters.books.statements.csv_file import StatementMap, load_statement_map
from arrears.adapters.books.statements.folder import stored_map
from arrears.adapters.books.statements.reading import BYTES_MAX, read_statement_file

__all__ = [
    "BYTES_MAX",
    "StatementMap",
    "load_statement_map",
    "read_apart",
    "read_content_apart",
    "read_statement_file",
    "stored_map",
]
