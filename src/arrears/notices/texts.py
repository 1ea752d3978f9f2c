"""The words of each language: read from its one file and what the operator changed of it, checked, ready to fill.

A language file has a name, the shared pieces, one table per kind of message, and the sentences about declines, which
are found by the English one. An operator's file of a language that we have holds only what differs; that of a new
language must be complete, since half a language would send half a message.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from arrears.core.messages.kinds import MessageKind
from arrears.core.payments.declines import every_guidance
from arrears.notices.kinds import NOTICE_KINDS
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.notices.templates import Fragment, refused
from arrears.notices.values import Form, locale_of
from arrears.notices.variables import SHARED

_SINGLE: Final = ("subject", "preheader", "heading", "button")
_LISTS: Final = ("paragraphs", "next")
_KIND_KEYS: Final = (*_SINGLE, *_LISTS, "reason")
_FOLDER: Final = "texts"

Raw = dict[str, dict[str, object]]
"""Table, key, value, as a file has them; the name of the language is in the table ""."""


@dataclass(frozen=True, slots=True)
class KindTexts:
    """The texts of one kind. An empty `reason` stands for the shared one of the reader's role."""

    subject: Fragment
    preheader: Fragment
    heading: Fragment
    button: Fragment
    reason: Fragment | None
    paragraphs: tuple[Fragment, ...]
    next: tuple[Fragment, ...]


@dataclass(frozen=True, slots=True)
class LanguageTexts:
    """One language, complete and checked; what `variables.Words` asks for."""

    code: str
    name: str
    pieces: Mapping[str, Fragment]
    kinds: Mapping[MessageKind, KindTexts]
    guidance: Mapping[str, str]

    def shared(self, name: str, form: Form, **variables: object) -> str:
        """The shared piece, filled; in HTML as `Markup`."""
        return self.pieces[name].fill(form, variables)

    @property
    def count(self) -> int:
        """How many texts it has."""
        kinds = sum(len(_SINGLE) + len(k.paragraphs) + len(k.next) + bool(k.reason) for k in self.kinds.values())
        return len(self.pieces) + kinds + len(self.guidance)

    def about_decline(self, text: str) -> str:
        """The sentence for a message id of `core.declines`."""
        return self.guidance[text]


@dataclass(frozen=True, slots=True)
class _File:
    """One file of texts: what it holds, and where, so that a refusal can point at the line."""

    name: str
    lines: Mapping[tuple[str, str], int]
    """Where each table and key begins; a table is a key of the table ""."""
    raw: Raw

    def where(self, table: str, key: str) -> str:
        line = self.lines.get((table, key))
        return f"{self.name}:{line}: {_shown(table, key)}" if line else f"{self.name}: {_shown(table, key)}"


def load_languages(folder: Path | None, begun: Collection[str] = ()) -> dict[str, LanguageTexts]:
    """Every language by its code: ours, and what the operator's `folder` changes or adds. Those in `begun` are there
    before they are named in languages.py, and say in English what their file does not say yet.

    Refuses `bad_template`: a file that is not TOML or not named like a language, an unknown table or key, a value of
    the wrong type, a missing text, and everything that `Fragment` refuses.
    """
    files: dict[str, list[_File]] = {}
    ours, looked_at = _built_in(), {*LANGUAGES, *begun}
    for name, text in (*(one for one in ours if _code(one[0]) in looked_at), *_operators(folder)):
        files.setdefault(_code(name), []).append(_parsed(name, text))
    in_english = [_parsed(name, text) for name, text in ours if _code(name) == DEFAULT_LANGUAGE]
    gaps = {code: in_english for code in begun if code not in LANGUAGES}
    return {code: _language(code, every, gaps.get(code, [])) for code, every in sorted(files.items())}


@lru_cache(maxsize=1)
def _built_in() -> tuple[tuple[str, str], ...]:
    """The name and text of each file of ours, those of languages that are only begun too."""
    files = [one for one in (resources.files("arrears.notices") / _FOLDER).iterdir() if one.name.endswith(".toml")]
    return tuple((one.name, one.read_text(encoding="utf-8")) for one in sorted(files, key=lambda one: one.name))


def _code(name: str) -> str:
    return name.removesuffix(".toml")


def _operators(folder: Path | None) -> Iterator[tuple[str, str]]:
    if folder is None:
        return
    if not folder.is_dir():
        raise refused(str(folder), "is not a folder; give the one that holds your texts, or none")
    for path in sorted(folder.glob("*.toml")):
        if locale_of(path.stem) is None or not re.fullmatch("[a-z]{2,3}", path.stem):
            raise refused(path.name, "is not named like a language; name it like nl.toml")
        yield path.name, read_text(path)


def read_text(path: Path) -> str:
    """The file's text. Refuses `bad_template` if it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise refused(path.name, f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise refused(path.name, f"cannot be read: {error.strerror}") from error


def _parsed(name: str, text: str) -> _File:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refused(name, f"is not TOML: {error}") from error
    raw: Raw = {"": {}}
    file = _File(name, _lines(text), raw)
    for table, value in found.items():
        if table == "language":
            raw[""][table] = value
        elif table in ("shared", "guidance", *MessageKind) and isinstance(value, dict):
            raw[table] = value
        else:
            raise refused(
                file.where("", table), "is unknown; the tables are shared, guidance, " + ", ".join(MessageKind)
            )
    for table, values in raw.items():
        for key, value in values.items():
            _check_key(file, table, key, value)
    return file


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The first line of each table and key of a file."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = header[1].strip()
            found.setdefault(("", table), number)
        elif key := re.match(r"""\s*(["']?)(.*?)\1\s*=""", line):
            found.setdefault((table, key[2]), number)
    return found


def _check_key(file: _File, table: str, key: str, value: object) -> None:
    where = file.where(table, key)
    allowed = _keys(table)
    if key not in allowed:
        may = "an English sentence of core/data/declines.toml" if table == "guidance" else ", ".join(allowed)
        raise refused(where, f"is unknown; it may be {may}")
    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise refused(where, 'must be a list of texts, like ["One.", "Two."]')
    elif not isinstance(value, str):
        raise refused(where, "must be a text in quotes")
    elif not value.strip() and key in _SINGLE:
        raise refused(where, "is empty; every message needs one")


def every_key() -> Iterator[tuple[str, str]]:
    """Table and key of everything that a complete language says; its name is in the table ""."""
    for table in ("", "shared", *MessageKind, "guidance"):
        yield from ((table, key) for key in _keys(table))


def _keys(table: str) -> Iterable[str]:
    if table == "":
        return ("language",)
    if table == "shared":
        return tuple(SHARED)
    return _sentences() if table == "guidance" else _KIND_KEYS


@lru_cache(maxsize=1)
def _sentences() -> tuple[str, ...]:
    """The message ids of `core.declines`, which are also the English texts."""
    every = every_guidance().values()
    return tuple(dict.fromkeys([one.text for one in every] + [check for one in every for check in one.checks]))


def _language(code: str, files: list[_File], gaps: list[_File]) -> LanguageTexts:
    values: dict[tuple[str, str], object] = {}
    sources: dict[tuple[str, str], _File] = {}
    if code == DEFAULT_LANGUAGE or gaps:
        values |= {("guidance", text): text for text in _sentences()}
    for file in (*gaps, *files):
        for table, keys in file.raw.items():
            values |= {(table, key): value for key, value in keys.items()}
            sources |= dict.fromkeys(((table, key) for key in keys), file)
    for table, key in every_key():
        if (table, key) not in values:
            raise refused(f"{files[-1].name}: {_shown(table, key)}", "is missing; a language must be complete")

    def fragments(table: str, key: str, known: frozenset[str]) -> tuple[Fragment, ...]:
        value = values[table, key]
        where = sources[table, key].where(table, key)
        every = value if isinstance(value, list) else [value]
        several = len(every) > 1
        return tuple(
            Fragment(str(one), f"{where}, text {number}" if several else where, known)
            for number, one in enumerate(every, 1)
        )

    return LanguageTexts(
        code,
        str(values["", "language"]),
        {name: fragments("shared", name, known)[0] for name, known in SHARED.items()},
        {
            kind: KindTexts(
                **{key: fragments(kind, key, NOTICE_KINDS[kind].variables)[0] for key in _SINGLE},
                reason=fragments(kind, "reason", NOTICE_KINDS[kind].variables)[0] if values[kind, "reason"] else None,
                paragraphs=fragments(kind, "paragraphs", NOTICE_KINDS[kind].variables),
                next=fragments(kind, "next", NOTICE_KINDS[kind].variables),
            )
            for kind in MessageKind
        },
        {text: str(values["guidance", text]) for text in _sentences()},
    )


def _shown(table: str, key: str) -> str:
    if not table:
        return key
    short = key if len(key) <= 40 else key[:40] + "…"
    return f"[{table}] {short}"
