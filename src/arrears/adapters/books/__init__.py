"""Receivables books from outside: a file and a map of its columns in, typed rows out (docs/import.md)."""

from arrears.adapters.books.book_map import BookMap, load_map
from arrears.adapters.books.csv_book import BookRows, read_book, read_rows
from arrears.adapters.books.guess import guess

__all__ = ["BookMap", "BookRows", "guess", "load_map", "read_book", "read_rows"]
