"""The database's own rules: what its tables and columns are, what they refuse, what happens when they change.

They are what the numbered files make, whatever they are called in PostgreSQL's catalogues: the files are run once more
in a schema beside, which is rolled back, and what the two look like is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, LiteralString

from psycopg import sql

from arrears.core.invariants import Breach
from arrears.store import schema
from arrears.store.postgres.write import Db

BESIDE: Final = "arrears_shape_compared"
"""The schema in which the files are run once more. Nothing of it is ever committed."""

SHAPE: Final[LiteralString] = """
SELECT 'table ' || c.relname, c.relname, format('%%s %%s row security %%s %%s', c.relkind, c.relpersistence,
    c.relrowsecurity, c.relforcerowsecurity)
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL SELECT format('column %%s of %%s', a.attname, c.relname), c.relname,
    format('%%s %%s %%s %%s', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated)
    || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index ' || i.relname, c.relname, pg_get_indexdef(x.indexrelid)
    || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL SELECT format('constraint %%s of %%s', n.conname, c.relname), c.relname,
    n.convalidated || ' ' || pg_get_constraintdef(n.oid)
FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE n.connamespace = %(schema)s::regnamespace AND n.contype <> 'n'
UNION ALL SELECT format('trigger %%s', t.tgname), c.relname, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT format('rule %%s of %%s', r.rulename, c.relname), c.relname,
    r.ev_enabled::text || ' ' || pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL SELECT format('policy %%s of %%s', p.polname, c.relname), c.relname,
    format('%%s %%s %%s', p.polcmd, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL SELECT 'function ' || p.proname, '', pg_get_functiondef(p.oid)
FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind IN ('f', 'p')
"""
"""What there is, the table that it belongs to, and what it is, of one schema."""

SchemaRules = Mapping[str, tuple[str, str]]
"""By what there is: the table that it belongs to (none of a function), and what it is, without the schema's name."""


def shape_of(db: Db, name: str) -> SchemaRules:
    """What the schema of this name is like."""
    found = db.execute(SHAPE, {"schema": name}).fetchall()
    return {_text(what): (_text(table), _text(said).replace(f"{name}.", "")) for what, table, said in found}


_MADE: Final[dict[int, SchemaRules]] = {}
"""What a server of each version made of the files: it never makes anything else of them."""


def shape_of_files(db: Db) -> SchemaRules:
    """What the numbered files make, in this server's words. The transaction is one that may write; what this makes is
    rolled back."""
    server = db.info.server_version
    if server not in _MADE:
        with db.transaction(force_rollback=True):
            db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(BESIDE)))
            db.execute("SELECT set_config('search_path', %s, true)", [BESIDE])
            for version in schema.versions():
                db.execute(schema.text(version).encode())
            _MADE[server] = shape_of(db, BESIDE)
    return _MADE[server]


def changed_rules(db: Db, expected: SchemaRules) -> Iterator[Breach]:
    """What is not as the files make it: gone, another, or not ours. Tables that the files do not know are the web
    framework's, and are none of theirs."""
    [name] = db.execute("SELECT current_schema()::text").fetchone() or ("",)
    found = shape_of(db, _text(name))
    ours = {table for table, _ in expected.values()}
    for what, (_, said) in sorted(expected.items()):
        if what not in found:
            yield Breach("I18", 0, f"the {what} is gone")
        elif found[what][1] != said:
            yield Breach("I18", 0, f"the {what} is another one or switched off")
    for what in sorted(found.keys() - expected.keys()):
        if found[what][0] in ours:
            yield Breach("I18", 0, f"the {what} is not ours")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
