"""What we collect by ourselves if nothing else happens: pages and messages say the same."""

from __future__ import annotations

from collections.abc import Iterator

from arrears.core.decide import outlook
from arrears.core.facts import AttemptCreated
from arrears.core.messages.content import Collection
from arrears.core.messages.recipients import Contacts
from arrears.core.view import View


def collections(view: View, contacts: Contacts) -> Iterator[Collection]:
    """Our own charges that lie ahead, as the card networks allow; none of a parked account."""
    if view.account.parked:
        return
    for at, due in outlook(view):
        if due.label.startswith("charge"):
            fact = due.build()
            assert isinstance(fact, AttemptCreated), fact
            on = max(view.calendar.local_day(max(at, view.now)), view.today)
            yield Collection(on, fact.amount_minor, fact.currency, contacts.cards.get(fact.method, ""))
