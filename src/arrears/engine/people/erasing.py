"""Erasing what is held about a person, and letting go of what is kept no longer (decision 35).

The books stay: facts name people by number, and a number whose person is gone is a pseudonym.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, PERSON, format_id
from arrears.core.unit import Unit
from arrears.engine.acting import acting
from arrears.engine.heard import check_heard
from arrears.engine.people import support
from arrears.ports import AccountsAndPrivacy, SupportBook
from arrears.ports.privacy import Erasure, Holder, KeptFor

FORGOTTEN_AT_ONCE: Final = 100
_PAYS: Final = ("administrator", "contact")


def holder(store: AccountsAndPrivacy, person: int, address: str) -> Holder:
    """Who that is, by number or (number 0) by address. Refuses `unknown_person` where nothing is held about them, and
    `several_people`."""
    found = store.holder(person, address)
    if found is None:
        who = format_id(PERSON, person) if person else "this address"
        raise Refused("unknown_person", f"nothing is held about {who}")
    return found


def erase(
    store: AccountsAndPrivacy,
    requests: SupportBook,
    who: Holder,
    now: datetime,
    author: str,
    why: str,
    *,
    although_owing: bool = False,
) -> int:
    """Erase what is held about somebody, in one transaction with the facts about it: its number. `requests`
    is the same store. What they asked for is closed, an account that was warned through them alone is warned anew, and
    nobody writes to them again.

    Refuses `no_reason`; `administrator_owes` for the administrator of an account that owes money, unless
    `although_owing`; `mail_under_way` while a message to them is being handed over, and `try_again` where somebody
    changed who is reached meanwhile.
    """
    if not why.strip():
        raise Refused("no_reason", "say why; it is kept")
    numbers = [*store.reached(who), *(account for _, account in store.asking(who) if account)]
    with acting(store, numbers, now) as units:
        reached = store.reached(who)
        if not (reached.keys() <= units.keys() and {a for _, a in store.asking(who) if a} <= units.keys()):
            raise Refused("try_again", "their accounts have just changed; try again")
        if not although_owing:
            _refuse_owing(units, reached)
        if store.mail_under_way(who):
            raise Refused("mail_under_way", "a message to them is being handed over; try again in a minute")
        for number, account in store.asking(who):
            asked = requests.support_request(number)
            if account and asked is not None:
                support.close_within(requests, units[account], asked, author, why)
        erasure = store.erase(who, now, author, why)
        for account, role in reached.items():
            units[account].record(f.PersonErased(person=who.person, role=role), author, why)
            check_heard(store, units[account], replaced=role in _PAYS)
    return erasure


def _refuse_owing(units: Mapping[int, Unit], reached: Mapping[int, str]) -> None:
    owing = [
        format_id(ACCOUNT, account)
        for account, role in sorted(reached.items())
        if role in _PAYS and any(debt.open_minor for debt in units[account].account.debts)
    ]
    if owing:
        raise Refused(
            "administrator_owes",
            f"{', '.join(owing)}: this is who gets the mail and pays, and there are open invoices; give the account"
            " another administrator first, or say --although-owing",
        )


def erase_again(store: AccountsAndPrivacy, requests: SupportBook, erasure: Erasure, now: datetime, author: str) -> bool:
    """Erase in a database that was restored from an older backup what had been erased since; whether anything was."""
    who = store.holder_of(erasure)
    known = any(
        one.person == erasure.person and set(erasure.mailboxes) <= set(one.mailboxes) for one in store.erasures()
    )
    if known and not who.person and not who.mailboxes:
        return False
    erase(store, requests, who, now, author, erasure.why, although_owing=True)
    return True


def let_go(store: AccountsAndPrivacy, requests: SupportBook, kept: KeptFor, now: datetime) -> Mapping[str, int]:
    """Remove what is kept no longer, the first time of a day; how many rows of each table. People who have had no
    account that is served or owes for so long are erased."""
    counts = store.sweep(now, kept)
    for person in store.people_to_forget(now, kept.people, FORGOTTEN_AT_ONCE):
        who = store.holder(person, "")
        if who is not None:
            erase(store, requests, who, now, f.ARREARS, "kept no longer: no account of theirs is served or owes")
    return counts
