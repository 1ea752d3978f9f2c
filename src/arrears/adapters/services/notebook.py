"""A small service inside this process that really obeys: a notebook, which refuses what its state does not allow.

It stands behind the same port as real services, in the demo, until those are reached over HTTP. It keeps the state of
each subscription by the orders it was given, drops repeats and overtaken ones, and what it refuses it refuses as every
service should (spec, section 2): with a stable code, the reasons, the amount, the dates and the link that settles it.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from arrears.core.ids import ACCOUNT, format_id
from arrears.core.states import Permissions, State, allows
from arrears.ports import Obeyed, Order

AFTER: Final = {
    "restrict": State.RESTRICTED,
    "disable": State.DISABLED,
    "resume": State.ACTIVE,
    "delete": State.DELETED,
}
NOTE_CHARACTERS_MAX: Final = 500
NOTES_MAX: Final = 100
_PATH: Final = re.compile(r"/acc_([1-9][0-9]{0,17})/([1-9][0-9]{0,5})")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_STYLE: Final = (
    "body{font:1.06rem/1.55 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1.25rem;"
    "color:#1c2430;background:#f4f7f4}h1{font-size:1.5rem}li{padding:.3rem 0}input{font:inherit;width:100%;"
    "padding:.5rem .7rem;border:1px solid #1c2430;border-radius:.4rem;box-sizing:border-box}button,a.settle"
    "{font:inherit;font-weight:600;padding:.55rem 1.1rem;border:0;border-radius:.4rem;background:#2c6b3f;color:#fff;"
    "margin-top:.7rem;cursor:pointer;display:inline-block;text-decoration:none}.no{border-left:.3rem solid #8a2b1d;"
    "background:#f1e4e0;padding:.7rem 1rem;border-radius:.3rem}.yes{border-left:.3rem solid #2c6b3f;"
    "background:#e2eee5;padding:.7rem 1rem;border-radius:.3rem}"
)

NotebookReply = tuple[str, str, str]
"""Status line, content type, body."""


class Why(NamedTuple):
    """What arrears says about a subscription that is not active: its reasons, the sum that settles it ("€ 61.00"), the
    days ahead ("2026-02-28": what happens), and where it is settled."""

    reasons: tuple[str, ...]
    amount: str
    dates: Mapping[str, str]
    link: str


_Key = tuple[int, int]
NotebookMemory = tuple[dict[_Key, State], dict[_Key, int], dict[_Key, list[str]]]
"""States, numbers of the newest orders and notes of every subscription (account, number)."""


class Notebook:
    """The service. `why` asks arrears about (account, subscription) when something is refused; `home` is where its
    pages lead back to, empty for nowhere."""

    def __init__(self, why: Callable[[int, int], Why], home: str = "") -> None:
        self._why, self._home = why, home
        self._lock = threading.Lock()
        self.memory: NotebookMemory = ({}, {}, {})

    @property
    def memory(self) -> NotebookMemory:
        """Everything that it knows; another one that is given this goes on as it."""
        return self._states, self._newest, self._notes

    @memory.setter
    def memory(self, memory: NotebookMemory) -> None:
        self._states, self._newest, self._notes = memory

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services: obeyed at once."""
        key = (order.account, order.subscription)
        with self._lock:
            if order.number > self._newest.get(key, 0):
                self._newest[key] = order.number
                self._states[key] = AFTER[order.command]
                if order.command == "delete":
                    self._notes.pop(key, None)
        return Obeyed(now)

    def open(self, account: int, subscription: int, notes: Iterable[str] = ()) -> None:
        """A notebook for a new subscription."""
        self._notes[account, subscription] = list(notes)

    def allowed(self, account: int, subscription: int) -> Permissions:
        """What may be done with a subscription now."""
        return allows(self._states.get((account, subscription), State.ACTIVE))

    # -- its own pages and answers ---------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """WSGI: `/acc_1/2` shows the notes of a subscription, POST with `note` adds one. JSON for who asks for it."""
        wants_json = "json" in environ.get("HTTP_ACCEPT", "")
        match = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        key = (int(match[1]), int(match[2])) if match else None
        if key is None or key not in self._states.keys() | self._notes.keys():
            answer = _answer("404 Not Found", {"code": "not_found"}, "<h1>No such notebook</h1>", wants_json)
        elif environ["REQUEST_METHOD"] == "POST":
            answer = self._add(key, _note_in(environ), wants_json)
        else:
            answer = self._shown(key, wants_json)
        status, kind, body = answer
        octets = body.encode()
        heads = {"Content-Type": kind, "Content-Length": str(len(octets)), "Content-Security-Policy": _POLICY}
        start_response(status, [*heads.items(), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")])
        return [octets]

    def _add(self, key: tuple[int, int], note: str, wants_json: bool) -> NotebookReply:
        with self._lock:
            may = allows(self._states.get(key, State.ACTIVE)).change
            notes = self._notes.setdefault(key, [])
            if may and note and len(notes) < NOTES_MAX:
                notes.append(note)
                return self._shown(key, wants_json, status="201 Created")
        if not may:
            return self._refused(key, wants_json)
        told = f"give a note of 1 to {NOTE_CHARACTERS_MAX} characters; a notebook has {NOTES_MAX} at the most"
        return _answer("422 Unprocessable Content", {"code": "bad_note", "detail": told}, f"<p>{told}</p>", wants_json)

    def _back(self) -> str:
        return f'<p><a href="{_text(self._home)}">Back to the story</a></p>' if self._home else ""

    def _refused(self, key: tuple[int, int], wants_json: bool) -> NotebookReply:
        state, why = self._states[key], self._why(*key)
        code = f"subscription_{state}"
        said = {"code": code, "reasons": why.reasons, "amount": why.amount, "dates": why.dates, "link": why.link}
        days = "".join(f"<li>{_text(day)}: {_text(what)}</li>" for day, what in why.dates.items())
        page = (
            f'<h1>Your note was not saved</h1><p class="no">This notebook is {state}, because: '
            f"{_text(', '.join(why.reasons))} (<code>{code}</code>). Your notes can still be read.</p>"
            f"<p>{_text(why.amount)} is open. Once it is paid, the notebook works again.</p><ul>{days}</ul>"
            f'<p><a class="settle" href="{_text(why.link)}">Settle it</a></p><p><a href="">Back to the notes</a></p>'
            f"{self._back()}"
        )
        return _answer("403 Forbidden", said, page, wants_json)

    def _shown(self, key: tuple[int, int], wants_json: bool, status: str = "200 OK") -> NotebookReply:
        state = self._states.get(key, State.ACTIVE)
        may = allows(state)
        notes = tuple(self._notes.get(key, ())) if may.read else ()
        lines = "".join(f"<li>{_text(note)}</li>" for note in notes)
        mood = "yes" if may.change else "no"
        page = (
            f"<h1>Notebook of {format_id(ACCOUNT, key[0])}</h1>"
            f'<p class="{mood}">State: <strong>{state}</strong>. {_says(may)}</p><ul>{lines}</ul>'
            f'<form method="post"><label for="note">A new note</label><input id="note" name="note" required'
            f' maxlength="{NOTE_CHARACTERS_MAX}" autocomplete="off"><button>Save</button></form>{self._back()}'
        )
        return _answer(status, {"state": str(state), "notes": notes}, page, wants_json)


def _says(may: Permissions) -> str:
    if may.change:
        return "Notes can be read and written."
    return "Notes can be read, and nothing can be written." if may.read else "Its notes are deleted."


def _note_in(environ: dict[str, Any]) -> str:
    length = environ.get("CONTENT_LENGTH", "")
    octets = environ["wsgi.input"].read(min(int(length), 10_000)) if length.isdecimal() else b""
    [note] = parse_qs(octets.decode("utf-8", "replace")).get("note", [""])[:1]
    note = " ".join(note.split())
    return note if len(note) <= NOTE_CHARACTERS_MAX else ""


def _answer(status: str, said: Mapping[str, Any], page: str, wants_json: bool) -> NotebookReply:
    if wants_json:
        return status, "application/json", json.dumps(said)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    body = (
        f'<!doctype html><html lang="en">{head}<title>Notebook</title><style>{_STYLE}</style><main>{page}</main></html>'
    )
    return status, "text/html; charset=utf-8", body


def _text(text: str) -> str:
    return html.escape(text)
