"""The example service: what it is ordered it is, and what its state does not allow it refuses with a reason."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from arrears.adapters.services.notebook import NOTE_CHARACTERS_MAX, Notebook, Why
from arrears.ports import Obeyed, Order

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHY = Why(("past due",), "€61.00", {"2026-05-30": "cloud: delete"}, "http://127.0.0.1:8000/settle/acc_1")


@pytest.fixture
def notebook() -> Notebook:
    found = Notebook(lambda _account, _subscription: WHY)
    found.open(1, 1, ["<b>flour</b>"])
    return found


def order(number: int, command: str, account: int = 1) -> Order:
    return Order(f"o{account}-1-{number}", "cloud", account, 1, 1, number, command)


def ask(notebook: Notebook, path: str = "/acc_1/1", note: str | None = None, accept: str = "") -> tuple[int, str]:
    said: list[Any] = []
    body = b"" if note is None else f"note={note}".encode()
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "GET" if note is None else "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_ACCEPT": accept,
    }
    octets = b"".join(notebook(environ, lambda *given: said.append(given)))
    return int(said[0][0].split()[0]), octets.decode()


def test_a_note_is_saved_while_the_subscription_runs(notebook: Notebook) -> None:
    assert ask(notebook, note="oven")[0] == 201
    status, page = ask(notebook)
    assert (status, "<li>oven</li>" in page, "<li>&lt;b&gt;flour&lt;/b&gt;</li>" in page) == (200, True, True)


@pytest.mark.parametrize("command", ["disable", "restrict"])
def test_a_write_is_refused_with_code_reasons_amount_dates_and_link_and_reading_goes_on(
    notebook: Notebook, command: str
) -> None:
    assert notebook.order(order(1, command), NOW) == Obeyed(NOW)
    status, text = ask(notebook, note="oven", accept="application/json")
    assert (status, json.loads(text)) == (
        403,
        {
            "code": f"subscription_{command.removesuffix('e')}ed",
            "reasons": ["past due"],
            "amount": "€61.00",
            "dates": {"2026-05-30": "cloud: delete"},
            "link": "http://127.0.0.1:8000/settle/acc_1",
        },
    )
    status, page = ask(notebook, note="oven")
    assert (status, "€61.00 is open" in page, WHY.link in page) == (403, True, True)
    status, page = ask(notebook)
    assert (status, "flour" in page, "oven" in page) == (200, True, False)


def test_it_writes_again_once_it_is_resumed(notebook: Notebook) -> None:
    notebook.order(order(1, "disable"), NOW)
    notebook.order(order(2, "resume"), NOW)
    assert ask(notebook, note="oven")[0] == 201


def test_an_overtaken_order_and_a_repeat_change_nothing(notebook: Notebook) -> None:
    notebook.order(order(2, "resume"), NOW)
    notebook.order(order(1, "disable"), NOW)
    assert notebook.allowed(1, 1).change
    notebook.order(order(3, "disable"), NOW)
    notebook.order(order(3, "disable"), NOW)
    assert not notebook.allowed(1, 1).change


def test_what_is_deleted_is_gone(notebook: Notebook) -> None:
    notebook.order(order(1, "delete"), NOW)
    status, page = ask(notebook)
    assert (status, "flour" in page, "Its notes are deleted." in page) == (200, False, True)


@pytest.mark.parametrize("path", ["/", "/acc_2/1", "/acc_1/2", "/acc_x/1", "/acc_1/1/../2"])
def test_there_is_no_notebook_that_nobody_opened(notebook: Notebook, path: str) -> None:
    assert ask(notebook, path)[0] == 404


@pytest.mark.parametrize("note", ["", "%20", "x" * (NOTE_CHARACTERS_MAX + 1), "x" * 20_000])
def test_an_empty_note_and_one_that_is_too_long_are_refused(notebook: Notebook, note: str) -> None:
    assert ask(notebook, note=note)[0] == 422
