"""Scratch schemas that are lent from test to test: making one costs a hundred times what emptying one does."""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

import psycopg
from psycopg import Connection, sql

from arrears.store import schema

_LAYOUT: Final = """
SELECT jsonb_build_array(
    (SELECT jsonb_agg(ARRAY[t.tgname, t.tgenabled::text] ORDER BY t.tgname, t.tgrelid)
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = n.oid AND NOT t.tgisinternal),
    (SELECT jsonb_agg(c.relname ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = n.oid),
    (SELECT jsonb_agg(c.conname ORDER BY c.conname, c.conrelid) FROM pg_constraint c WHERE c.connamespace = n.oid),
    (SELECT jsonb_agg(p.proname ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = n.oid))::text
FROM pg_namespace n WHERE n.nspname = current_schema()"""
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
_RESTART: Final = "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"


class _Birth(NamedTuple):
    """What a schema looks like when it is new: its layout, and the rows of the tables that are not empty then."""

    layout: str
    rows: dict[str, bytes]


class Schemas:
    """The scratch schemas of one server: `take` gives an empty one, `give_back` empties one for the next test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._free: list[str] = []
        self._numbers = itertools.count(1)
        self._birth: _Birth | None = None

    def take(self) -> str:
        if self._free:
            return self._free.pop()
        name = f"scratch_{next(self._numbers)}"
        schema.create_scratch(self.url, name)
        if self._birth is None:
            with self._connected(name) as db:
                self._birth = _Birth(_layout(db), {table: _copied(db, table) for table in _filled(db)})
        return name

    def give_back(self, name: str) -> None:
        """Empty it; one whose tables, triggers, indexes or functions a test has changed is dropped instead."""
        with self._connected(name) as db:
            assert self._birth is not None
            if _layout(db) != self._birth.layout:
                schema.drop_scratch(db, name)
                return
            filled = [sql.Identifier(table) for table in _filled(db)]
            for table in filled:
                db.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
            db.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(filled)))
            for table in filled:
                db.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))
            for table, rows in self._birth.rows.items():
                with db.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
            db.execute(f"{_RESTART} FROM pg_sequences WHERE schemaname = current_schema()")
        self._free.append(name)

    def _connected(self, name: str) -> Connection[tuple[str, ...]]:
        return psycopg.connect(self.url, options=f"-c search_path={name}")


def _layout(db: Connection[tuple[str, ...]]) -> str:
    row = db.execute(_LAYOUT).fetchone()
    assert row is not None
    return row[0]


def _filled(db: Connection[tuple[str, ...]]) -> list[str]:
    """The tables that have rows, asked in one statement."""
    one = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    each = [one.format(sql.Literal(name), sql.Identifier(name)) for (name,) in db.execute(_TABLES)]
    return [name for (name,) in db.execute(sql.SQL(" UNION ALL ").join(each))]


def _copied(db: Connection[tuple[str, ...]], table: str) -> bytes:
    with db.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)
