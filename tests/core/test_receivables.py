"""What a row of a book is compared by: everything that it and the database have, but what is left out for a reason."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from arrears.core.receivables import INVOICE_FIELDS, PAYMENT_FIELDS, _compared


@dataclass
class Row:
    number: str
    tax: int


@dataclass
class Known:
    number: str
    tax: int


@dataclass
class Poorer:
    number: str


def test_the_fields_of_rows_and_of_the_database_are_all_compared_or_left_out_for_a_reason() -> None:
    assert INVOICE_FIELDS == ("account_ref", "services", "currency", "total_minor", "issued_on", "due_on")
    assert PAYMENT_FIELDS == ("account_ref", "currency", "amount_minor")
    assert _compared(Row, Known, {"number": "it is found by this"}) == ("tax",)


def test_a_field_that_is_forgotten_or_left_out_of_nothing_says_so_when_it_is_loaded() -> None:
    with pytest.raises(TypeError, match="Row: tax neither compared nor left out"):
        _compared(Row, Poorer, {"number": "it is found by this"})
    with pytest.raises(TypeError, match="Poorer: tax neither"):
        _compared(Poorer, Known, {"number": "it is found by this"})
    with pytest.raises(TypeError, match="Row: vat neither"):
        _compared(Row, Known, {"vat": "never was there"})
