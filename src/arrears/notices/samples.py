"""One honest example of every kind, for the preview, for the tests, and for the check when texts are loaded."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from arrears.core.errors import Refused
from arrears.core.messages.content import Content, Reader, Role
from arrears.core.messages.kinds import KINDS, Actor, LeadsTo, MessageKind
from arrears.notices.kinds import LINK, NOTICE_KINDS, OPERATOR, PAY_LINK


def sample(kind: MessageKind, locale: str) -> Content:
    """The example of a kind for the administrator, who may pay."""
    known = NOTICE_KINDS[kind]
    shared = {
        "account_name": "De Vries Fotografie",
        "reader": Reader("Anna de Vries", Role.ADMINISTRATOR, "Europe/Amsterdam"),
        "zone": "Europe/Amsterdam",
        "operator": OPERATOR,
        "link": LINK,
        "administrator": "Anna de Vries",
    }
    try:
        content = Content(kind=kind, locale=locale, sent_at=known.sent_at, **{**shared, **known.example})  # type: ignore[arg-type]
    except AssertionError as error:
        raise _unfit(kind, error) from error
    leads_to = KINDS[kind].button_leads(owing=bool(content.debts), off=bool(content.stays))
    return replace(content, link=PAY_LINK, link_is_pay=True) if leads_to is LeadsTo.PAYING else content


def for_reader(content: Content) -> Content:
    """The same message to somebody abroad who may see the bills but not pay."""
    return replace(
        content,
        reader=Reader("Sam Okafor", Role.READER, "America/New_York"),
        link=LINK,
        link_is_pay=False,
    )


def variants(kind: MessageKind, locale: str) -> Iterator[Content]:
    """The other ways in which a kind is told: to a reader, to a technical contact, by transfer, and its own."""
    content, spec = sample(kind, locale), KINDS[kind]
    yield for_reader(content)
    if spec.actor is Actor.ADMINISTRATOR:
        technical = Reader("", Role.TECHNICAL, "UTC")
        yield replace(for_reader(content), reader=technical, administrator="")
    if spec.asks_for_money:
        yield replace(content, by_transfer=True, operator=replace(OPERATOR, iban="NL91ABNA0417164300"))
        yield replace(content, by_transfer=True)
        yield replace(content, no_method=True)
    for changes in NOTICE_KINDS[kind].variants:
        try:
            variant = replace(content, **changes)
        except AssertionError as error:
            raise _unfit(kind, error) from error
        yield variant


def _unfit(kind: MessageKind, why: AssertionError) -> Refused:
    return Refused("bad_example", f"notices/kinds.py: an example of {kind} is no message: {why}; mend the example")


def samples(locale: str) -> Iterator[Content]:
    """Every kind and every variant in one locale."""
    for kind in MessageKind:
        yield sample(kind, locale)
        yield from variants(kind, locale)
