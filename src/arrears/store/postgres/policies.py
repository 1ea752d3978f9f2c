"""When which version of a policy was put in force, and by whom: from the installation's own journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc


class Adoption(NamedTuple):
    """A version was put in force at an instant."""

    version: str
    at: datetime
    author: str
    why: str


_ADOPTED: Final[LiteralString] = """
SELECT body::json ->> 'version', at, author, why FROM fact
WHERE account_id = 0 AND kind = 'policy_adopted' AND body::json ->> 'name' = %s ORDER BY seq DESC LIMIT %s"""


def adoptions(store: PostgresStore, name: str, most: int) -> Iterator[Adoption]:
    """Of the policy of this name, the newest first."""
    with store.reading() as db:
        found = db.execute(_ADOPTED, [name, most]).fetchall()
    return (Adoption(version, utc(at), author, why) for version, at, author, why in found)
