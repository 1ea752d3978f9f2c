"""Members of staff: making them, and proving that somebody is one, by a password and a code of their app.

Plain statements on Django's connection; passwords are hashed by Django's hashers. Every change ends what was proved
before it: a session carries a digest of the password and of the app that let it in.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from arrears.core.errors import Refused
from arrears.core.people.roles import StaffRole, staff_role
from arrears.web import passwords
from arrears.wiring import RealClock

_NOBODY: Final = make_password(secrets.token_urlsafe(32))
"""What an unknown name is checked against, so that it takes as long as a known one."""

CODE_SECONDS: Final = 30
CODES_EITHER_SIDE: Final = 1
"""A phone's clock may be off by half a minute (RFC 6238, section 5.2)."""
FIRST_PASSWORD_BYTES: Final = 15


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff. `proof` is a digest of the password and the app that they have now; `has_app` says whether a
    code is asked for, `first_password` whether they choose a password of their own first."""

    number: int
    email: str
    name: str
    role: StaffRole
    is_active: bool
    has_app: bool
    first_password: bool
    made_by: str
    created_at: datetime
    proof: str

    @property
    def known_as(self) -> tuple[str, ...]:
        """What commands called them before they were a number."""
        return self.name, self.email


_MEMBER: Final = (
    "SELECT staff_id, email, name, role, is_active, app, first_password, made_by, created_at, password FROM staff"
)


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def _member(row: tuple[Any, ...]) -> Member:
    number, email, name, role, is_active, app, first, made_by, created_at, password = row
    proof = salted_hmac("arrears.staff", f"{password}:{app}", algorithm="sha256").hexdigest()
    return Member(number, email, name, StaffRole(role), is_active, bool(app), first, made_by, created_at, proof)


def members() -> list[Member]:
    """Everybody who is or was staff, in the order in which they came."""
    return [_member(row) for row in _rows(f"{_MEMBER} ORDER BY staff_id", [])]


def member(number: int) -> Member | None:
    """The member of staff of this number, if they still may come in."""
    found = _rows(f"{_MEMBER} WHERE staff_id = %s AND is_active", [number])
    return _member(found[0]) if found else None


def member_at(email: str) -> Member | None:
    """The member of staff with this address, if they still may come in."""
    found = _rows(f"{_MEMBER} WHERE email = %s AND is_active", [email.lower()])
    return _member(found[0]) if found else None


def is_user(one: Member, user: str) -> bool:
    """Whether somebody is this user of the operator's provider. They are, from the first that comes; a new start lets
    another come."""
    kept = _rows(
        "UPDATE staff SET provider_user = %s WHERE staff_id = %s AND provider_user IN ('', %s) RETURNING staff_id",
        [user, one.number, user],
    )
    return bool(kept)


def known_member(email: str) -> Member:
    """The member of staff who signs in with this address; refuses `unknown_staff`."""
    found = _rows(f"{_MEMBER} WHERE email = %s", [email.lower()])
    if not found:
        raise Refused(
            "unknown_staff", f"no member of staff signs in with {email[:254]!r}; `arrears staff list` names all"
        )
    return _member(found[0])


def create_staff(
    email: str, name: str, password: str, role: str, now: datetime, *, by: str = "", first: bool = False
) -> int:
    """A member of staff, made by somebody; with `first`, the password is good for choosing another. Refuses
    `staff_exists`, `bad_role` and what `passwords.check` refuses."""
    wanted = staff_role(role)
    passwords.check(password, email, name)
    found = _rows(
        "INSERT INTO staff (email, name, password, role, created_at, made_by, first_password)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING staff_id",
        [email.lower(), name, make_password(password), wanted, now, by, first],
    )
    if not found:
        raise Refused("staff_exists", f"{email} is a member of staff already")
    return int(found[0][0])


def first_password() -> str:
    """A password that nobody guesses, to be told once."""
    return secrets.token_urlsafe(FIRST_PASSWORD_BYTES)


def reset_member(one: Member, password: str) -> None:
    """Give somebody a first password again; their app and every session are gone."""
    _rows(
        "UPDATE staff SET password = %s, first_password = true, app = '', code_no = 0, provider_user = '',"
        " is_active = true"
        " WHERE staff_id = %s",
        [make_password(password), one.number],
    )


def end_member(one: Member) -> None:
    """Somebody is staff no more: every session of theirs ends at once."""
    _rows("UPDATE staff SET is_active = false WHERE staff_id = %s", [one.number])


def set_role(one: Member, role: StaffRole) -> None:
    """What somebody may do from their next request on."""
    _rows("UPDATE staff SET role = %s WHERE staff_id = %s", [role, one.number])


def member_of(email: str, password: str) -> Member | None:
    """Which member of staff this is, or None: for a wrong name and a wrong password alike. It is the first of the two
    that are asked for."""
    found = _rows(f"{_MEMBER} WHERE email = %s AND is_active", [email.lower()])
    hashed = str(found[0][-1] or "") if found else ""
    right = check_password(password, hashed or _NOBODY)
    return _member(found[0]) if right and hashed else None


def choose_password(one: Member, password: str) -> Member:
    """A password of their own; refuses what `passwords.check` refuses. Whoever they are now is who comes back."""
    passwords.check(password, one.email, one.name)
    [(hashed,)] = _rows("SELECT password FROM staff WHERE staff_id = %s", [one.number])
    if check_password(password, hashed):
        raise Refused("same_password", "choose another password than the first one")
    _rows(
        "UPDATE staff SET password = %s, first_password = false WHERE staff_id = %s",
        [make_password(password), one.number],
    )
    return known_member(one.email)


def new_key() -> str:
    """The key of an app that is about to be set up."""
    return str(generate_totp_secret())


def right_code(key: str, code: str) -> int:
    """Which code of a key this is, by its number; 0 for none of those of now."""
    typed, now = "".join(code.split()), int(RealClock().now().timestamp()) // CODE_SECONDS
    for number in range(now - CODES_EITHER_SIDE, now + CODES_EITHER_SIDE + 1):
        if constant_time_compare(format_hotp_value(hotp_value(key, number)), typed):
            return number
    return 0


def set_up_app(one: Member, key: str, code: str) -> Member | None:
    """Set up the app whose key this is, by a code of it; None for a wrong one. Whoever has an app keeps it."""
    number = right_code(key, code)
    if not number:
        return None
    changed = _rows(
        "UPDATE staff SET app = %s, code_no = %s WHERE staff_id = %s AND app = '' RETURNING staff_id",
        [get_adapter().encrypt(key), number, one.number],
    )
    return known_member(one.email) if changed else None


def code_lets_in(one: Member, code: str) -> bool:
    """Whether this code of their app lets somebody in. Each does once, and none before it does after it."""
    with transaction.atomic():
        found = _rows("SELECT app, code_no FROM staff WHERE staff_id = %s AND is_active FOR UPDATE", [one.number])
        app, last = found[0] if found else ("", 0)
        number = right_code(get_adapter().decrypt(app), code) if app else 0
        if number <= last:
            return False
        _rows("UPDATE staff SET code_no = %s WHERE staff_id = %s", [number, one.number])
        return True
