"""What is to be done about people from time to time."""

from __future__ import annotations

from datetime import datetime

from arrears.engine.people.erasing import let_go
from arrears.engine.people.profile import ask_unconfirmed
from arrears.ports import AccountsAndAddresses, AccountsAndPrivacy, SupportBook
from arrears.ports.privacy import KeptFor


def hourly(
    addresses: AccountsAndAddresses, personal: AccountsAndPrivacy, requests: SupportBook, kept: KeptFor, now: datetime
) -> None:
    """Ask again for addresses that nobody has confirmed and, the first time of a day, let go of what is kept no
    longer; all three are the same store. Any number of workers may do this at once."""
    ask_unconfirmed(addresses, now)
    let_go(personal, requests, kept, now)
