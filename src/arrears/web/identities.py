"""People and staff: making them, and proving that somebody is one.

Plain statements on Django's connection; passwords are hashed by Django's hashers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.utils.crypto import constant_time_compare, salted_hmac

from arrears.core.errors import Refused
from arrears.web import passwords

_NOBODY: Final = make_password(secrets.token_urlsafe(32))
"""What an unknown name is checked against, so that it takes as long as a known one."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who has signed in: `kind` is `person` or `staff`. `proof` says with which password staff did."""

    kind: str
    number: int
    name: str
    proof: str = ""


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


def create_staff(email: str, name: str, password: str, role: str, now: datetime) -> int:
    """A member of staff; refuses `staff_exists`, `bad_role` and what `passwords.check` refuses."""
    if role not in ("support", "billing", "release", "admin"):
        raise Refused("bad_role", f"{role!r} is not a role; give support, billing, release or admin")
    passwords.check(password, email, name)
    found = _rows(
        "INSERT INTO staff (email, name, password, role, created_at)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING staff_id",
        [email.lower(), name, make_password(password), role, now],
    )
    if not found:
        raise Refused("staff_exists", f"{email} is a member of staff already")
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


def staff_of(email: str, password: str) -> Somebody | None:
    """Which member of staff this is, or None: for a wrong name and a wrong password alike."""
    found = _rows("SELECT staff_id, name, password FROM staff WHERE email = %s AND is_active", [email.lower()])
    number, name, hashed = found[0] if found else (0, "", None)
    right = check_password(password, hashed or _NOBODY)
    return Somebody("staff", int(number), str(name), proof_of(str(hashed))) if right and hashed else None


def proof_of(hashed: str) -> str:
    """What a session of staff has of their password: it ends with that."""
    return salted_hmac("arrears.staff", hashed, algorithm="sha256").hexdigest()


def still_here(somebody: Somebody) -> bool:
    """Whether this member of staff still may come in, with the password that they did; asked at every request."""
    found = _rows("SELECT password FROM staff WHERE staff_id = %s AND is_active", [somebody.number])
    return bool(found) and constant_time_compare(proof_of(str(found[0][0])), somebody.proof)
