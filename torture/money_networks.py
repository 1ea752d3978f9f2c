"""Whether the card networks' rules were kept, by the provider's own book: it knows each card, whoever has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from arrears.sandbox.book import SandboxBook
from arrears.sandbox.objects import Intent, SandboxCharge

_DAY: Final = 86_400
VISA_REATTEMPTS: Final = 15
"""In 30 days, of ours and of the payer's each: `networks.toml`, visa_30d."""
_NEVER_AGAIN: Final = ("lost_card", "do_not_honor")
"""What the sandbox's two cards say that are never to be tried again."""

Try = tuple[SandboxCharge, Intent]


def wrong_by_networks(book: SandboxBook, heard: Sequence[int], identity: str) -> Iterator[str]:
    """What an installation asked of a card that it must not; `heard` is how many charges there were when it had read
    this provider to its end. What people try on pages is not asked by anybody, but is heard of."""
    by_card: defaultdict[str, list[Try]] = defaultdict(list)
    for charge in book.charges.values():
        method = book.methods[charge.method]
        if method.instrument.kind == "card":
            card = method.id if method.own else method.instrument.number
            by_card[card].append((charge, book.intents[charge.intent]))
    for card, tries in by_card.items():
        ours = [one for one in tries if one[1].session is None and one[1].metadata.get("installation") == identity]
        yield from _after_never(card, tries, ours, {name: place for place, name in enumerate(book.charges)}, heard)
        if book.methods[tries[0][0].method].instrument.number.startswith("4"):
            for off_session in (True, False):
                yield from _too_often(card, [c for c, i in ours if i.off_session is off_session])


def _after_never(
    card: str, tries: Iterable[Try], ours: Sequence[Try], place: Mapping[str, int], heard: Sequence[int]
) -> Iterator[str]:
    for charge, _ in tries:
        if charge.status == "failed" and (charge.error or {}).get("decline_code") in _NEVER_AGAIN:
            known = next((many for many in heard if many > place[charge.id]), None)
            again = [one for one, _ in ours if known is not None and place[one.id] >= known]
            yield from (f"card {card} is asked again by {one.intent} after it was never to be" for one in again[:1])
            return


def _too_often(card: str, tries: Sequence[SandboxCharge]) -> Iterator[str]:
    """A first attempt and so many reattempts in any 30 days."""
    failed = sorted(one.created for one in tries if one.status == "failed")
    windows = zip(failed, failed[VISA_REATTEMPTS + 1 :], strict=False)
    if any(last - first < 30 * _DAY for first, last in windows):
        yield f"card {card} was asked more than {VISA_REATTEMPTS} times again in 30 days"
