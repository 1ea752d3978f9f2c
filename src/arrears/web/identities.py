"""People, the customers': making them, and what they may see.

Plain statements on Django's connection; passwords are hashed by Django's hashers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection

from arrears.core.errors import Refused
from arrears.web import passwords


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person who has signed in, by their number and name."""

    number: int
    name: str


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def create_person(email: str, name: str, password: str, locale: str, now: datetime, *, confirmed: bool = False) -> int:
    """A customer's person, for tests and the demo: people are invited, and have their address `confirmed` then.
    Refuses `person_exists` and what `passwords.check` refuses."""
    passwords.check(password, email, name)
    found = _rows(
        "INSERT INTO person (sign_in_email, contact_email, display_name, locale, password, created_at,"
        " contact_confirmed_at) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING person_id",
        [email.lower(), email, name, locale, make_password(password), now, now if confirmed else None],
    )
    if not found:
        raise Refused("person_exists", f"{email} has a sign-in already")
    return int(found[0][0])


def grant(account: int, person: int, role: str) -> None:
    """Give a person a role in an account; an account has one administrator (refuses `administrator_exists`)."""
    found = _rows(
        "INSERT INTO account_role (account_id, person_id, role) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING account_id",
        [account, person, role],
    )
    if not found:
        raise Refused("administrator_exists", f"account {account} has an administrator, or this person a role there")


def accounts_of(person: int) -> list[tuple[int, str, str]]:
    """The accounts a person may see: number, name, role."""
    return [
        (number, name, role)
        for number, name, role in _rows(
            "SELECT r.account_id, a.name, r.role FROM account_role r JOIN account a USING (account_id)"
            " WHERE r.person_id = %s ORDER BY a.name, r.account_id",
            [person],
        )
    ]


def role_of(account: int, person: int) -> str | None:
    """`administrator`, `billing_reader`, or None for somebody who has nothing to do with the account."""
    found = _rows("SELECT role FROM account_role WHERE account_id = %s AND person_id = %s", [account, person])
    return str(found[0][0]) if found else None


def administrator_of(account: int) -> str | None:
    """The name of the account administrator, for those who may not act; None where there is none."""
    found = _rows(
        "SELECT p.display_name FROM account_role r JOIN person p USING (person_id)"
        " WHERE r.account_id = %s AND r.role = 'administrator'",
        [account],
    )
    return str(found[0][0]) if found else None


def zone_of(person: int) -> str:
    """The zone that a person reads times in: their own, else that of their first account."""
    found = _rows(
        "SELECT coalesce(nullif(p.zone, ''), a.zone) FROM person p LEFT JOIN account_role r USING (person_id)"
        " LEFT JOIN account a USING (account_id) WHERE p.person_id = %s ORDER BY r.account_id LIMIT 1",
        [person],
    )
    return str(found[0][0] or "UTC") if found else "UTC"
