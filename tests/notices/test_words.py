"""What is said is true and grammatical whatever the case: one sum or several, one service or several, part paid,
returned, read by somebody who cannot pay, or by somebody whose day ends at another time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from msgspec.structs import replace

from arrears import wiring
from arrears.core.account import Action
from arrears.core.messages.content import Content, DatedAction, Reader, Role, Sum
from arrears.core.messages.kinds import KINDS, MessageKind
from arrears.notices.kinds import LINK, OPERATOR
from arrears.notices.render import Texts
from arrears.notices.samples import for_reader, sample

K = MessageKind
Change = Callable[[Content], Content]


@pytest.fixture(scope="module")
def texts() -> Texts:
    return wiring.texts()


def read(texts: Texts, content: Content) -> str:
    """Subject, first line and text on one line, as they are read aloud."""
    done = texts.render(content)
    hidden = re.search(r'<div style="display:none[^>]*>([^<]*)', done.html)
    return " ".join(f"{done.subject}. {hidden[1] if hidden else ''} {done.text}".replace("\u00a0", " ").split())


# -- the cases -----------------------------------------------------------------------------------------------------


def one_sum(content: Content) -> Content:
    debts = content.debts[:1]
    return replace(content, debts=debts, sums=tuple(Sum(d.currency, d.open_minor) for d in debts))


def two_sums(content: Content) -> Content:
    reminder = sample(K.REMINDER, content.locale)
    more = {"debts": reminder.debts, "sums": reminder.sums} if content.debts else {}
    paid = (*content.paid, Sum("USD", 500)) if content.paid else ()
    return replace(content, **more, paid=paid)  # type: ignore[arg-type]


def one_service(content: Content) -> Content:
    debts = tuple(replace(debt, services=("cloud",)) for debt in content.debts)
    return replace(content, debts=debts, actions=content.actions[:1], services=content.services and ("cloud",))


def two_services(content: Content) -> Content:
    debts = tuple(replace(debt, services=("cloud", "mail")) for debt in content.debts)
    actions = tuple(replace(a, service=name, others=()) for a in content.actions[:1] for name in ("cloud", "mail"))
    return replace(content, debts=debts, actions=actions, services=content.services and ("cloud", "mail"))


def part_paid(content: Content) -> Content:
    return replace(content, debts=tuple(replace(debt, part_paid=True) for debt in content.debts))


def returned(content: Content) -> Content:
    return replace(content, debts=tuple(replace(debt, returned=True) for debt in content.debts))


def elsewhere(content: Content) -> Content:
    return replace(content, reader=Reader("Sam", Role.ADMINISTRATOR, "America/New_York"))


CASES: dict[str, tuple[Change, ...]] = {
    "one sum, one service": (one_sum, one_service),
    "one sum, two services": (one_sum, two_services),
    "two sums, one service": (two_sums, one_service),
    "two sums, two services": (two_sums, two_services),
    "part paid": (one_sum, part_paid),
    "returned": (one_sum, returned),
    "several returned": (two_sums, returned),
    "a reader": (two_sums, two_services, for_reader),
    "another zone": (elsewhere,),
}


def given(case: str, kind: MessageKind, locale: str) -> Content:
    content = sample(kind, locale)
    for change in CASES[case]:
        content = change(content)
    return content


SUM = r"(?:€ ?|US\$ ?)[\d.,]+\d"
BREAKS = {
    "en-GB": (
        rf"(?<!payment of ){SUM} and {SUM} (is|was|has|does)\b",
        rf"(?<!and ){SUM} (are|were|have|do)\b",
        r"cloud and mail (is|was|has|does|stops|runs)\b",
        r"(?<!and )\b(cloud|mail) (are|were|have|do)\b",
        r"\bThree invoices [\w ]*?\b(was|has)\b",
        r"\bOne invoice for [\w ]*?\b(were|have)\b",
    ),
    "nl-NL": (
        rf"(?<!betaling van ){SUM} en {SUM} (staat|is|was|heeft|openstaat)\b",
        rf"(?<!en ){SUM} (staan|zijn|openstaan)\b",
        rf"\b(staat|is) (nog |weer )?{SUM} en {SUM}",
        rf"\b(staan|zijn) (nog |weer )?{SUM}(?! en|[\d.,])",
        r"cloud en mail (is|was|wordt|stopt|staat|had|heeft)\b",
        r"(?<!en )\b(cloud|mail) (zijn|worden|stoppen|staan|hadden)\b",
        r"\bDrie facturen [\w ]*?\b(is|was) (?!voorbij)",
        r"draait staat|bij u draait",
    ),
}
NEVER = (r" ([,;]|\.(?!\w))", r"\.\.|,,|\(\)|\. ?,", r"\b(\w{3,}) \1\b", r"(?<=[a-z]{3}[.?]) [a-z]{2,}")
"""A gap before a comma, a sentence twice ended, a word said twice, a sentence that begins small."""

NAMES = r"(cloud|mail|backup|a\.devries|here)\b"
"""What begins a sentence as it is written."""


@pytest.mark.sample(20)
@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize("locale", BREAKS)
def test_no_case_breaks_the_grammar(texts: Texts, kind: MessageKind, locale: str) -> None:
    for case in CASES:
        text = read(texts, given(case, kind, locale))
        prose = re.sub(r"https?://\S+", "here", text).replace(OPERATOR.identity, "").replace(" - ", " ")
        for pattern in (*BREAKS[locale], *NEVER):
            found = re.search(pattern, prose)
            assert not found or re.match(NAMES, found[0].strip()), f"{case}: {found} in {text}"


# -- the sentences -------------------------------------------------------------------------------------------------

ON = date(2026, 1, 31)
SAME_DAY = (DatedAction("cloud", Action.RESTRICT, ON), DatedAction("mail", Action.DISABLE, ON))

SAYS: list[tuple[str, Content, str, str]] = [
    ("deleted, a part was paid", given("part paid", K.DELETED, "en-GB"), "€96.80 is still open", "without a payment"),
    ("deleted", given("part paid", K.DELETED, "nl-NL"), "er staat nog € 96,80 open", "zonder dat er is betaald"),
    ("part paid", given("part paid", K.REMINDER, "en-GB"), "has been paid only in part", "has not been paid"),
    ("part paid", given("part paid", K.REMINDER, "nl-NL"), "maar voor een deel betaald", "niet op tijd betaald"),
    ("part paid, line", given("part paid", K.STOP_WARNING, "en-GB"), "for cloud, paid in part", "has not been paid"),
    ("returned", given("returned", K.REMINDER, "en-GB"), "was paid, but the payment was returned", "not been paid"),
    ("returned", given("returned", K.REMINDER, "nl-NL"), "de betaling is teruggeboekt", "niet op tijd betaald"),
    ("returned", given("returned", K.REMINDER, "en-GB"), "Payment returned: €96.80", "Unpaid"),
    ("returned, line", given("returned", K.DELETION_WARNING, "nl-NL"), "betaling teruggeboekt", "niet betaald"),
    ("several returned", given("several returned", K.REMINDER, "en-GB"), "the payments were returned", "not been"),
    ("restricted", sample(K.STOP_WARNING, "nl-NL"), "alles in de dienst is uitgeschakeld", "bij u"),
    ("data after the stop", sample(K.STOP_WARNING, "en-GB"), "The data stays and can still be read", "your data"),
    ("data after the stop", sample(K.STOP_WARNING, "en-GB"), "Before any of it is deleted", "your data"),
    ("data after the stop", sample(K.STOP_WARNING, "nl-NL"), "De gegevens blijven bewaard", "Uw gegevens"),
    ("two sums", given("two sums, one service", K.STOP_WARNING, "nl-NL"), "US$ 1.234,50 staan open", "50 staat open"),
    (
        "the graver of one day",
        replace(sample(K.STOP_WARNING, "en-GB"), actions=SAME_DAY),
        "mail will stop on 31 January 2026: €23.20 unpaid.",
        "cloud will be restricted on",
    ),
    (
        "the graver of one day, done",
        replace(sample(K.STOPPED, "nl-NL"), actions=SAME_DAY),
        "mail is op 31 januari 2026 gestopt: € 23,20 staat open.",
        "cloud is op 31 januari 2026 beperkt:",
    ),
    ("a reader", given("a reader", K.STOP_WARNING, "en-GB"), "Has it been paid already?", "Can you not pay now"),
    ("a reader", given("a reader", K.REMINDER, "nl-NL"), "Is er al betaald?", "Kunt u nu niet betalen"),
    ("a reader", given("a reader", K.DELETION_WARNING, "en-GB"), "Is something not right", "Have you already paid"),
    (
        "an address in use",
        replace(sample(K.CONFIRM_ADDRESS, "en-GB"), again=True),
        "goes on coming here, whether you answer or not",
        "is not used",
    ),
    (
        "an address in use",
        replace(sample(K.CONFIRM_ADDRESS, "nl-NL"), again=True),
        "blijven hier komen, ook als u niet reageert",
        "niet gebruikt",
    ),
    (
        "staff invite",
        replace(for_reader(sample(K.INVITATION, "en-GB")), inviter=""),
        "You are invited to see the bills",
        "Anna",
    ),
    (
        "she invites",
        replace(for_reader(sample(K.INVITATION, "nl-NL")), inviter="Anna de Vries"),
        "Anna de Vries nodigt u uit",
        "U bent uitgenodigd om de facturen van De Vries Fotografie bij",
    ),
    (
        "elsewhere",
        given("another zone", K.STOP_WARNING, "en-GB"),
        "by the end of 31 January 2026 (Amsterdam time), none of this happens",
        "by the end of 31 January 2026,",
    ),
    (
        "elsewhere",
        given("another zone", K.REMINDER, "nl-NL"),
        "cloud stopt op 31 januari 2026 (tijd in Amsterdam), aan het einde van de dag.",
        "uiterlijk op 31 januari 2026 bij",
    ),
    (
        "elsewhere",
        given("another zone", K.DELETION_WARNING, "en-GB"),
        "will be deleted on or after 1 May 2026 (Amsterdam time).",
        "reaches us before 1 May 2026,",
    ),
    (
        "who sends it",
        sample(K.TEST, "en-GB"),
        "Voorbeeld Hosting B.V., Keizersgracht 1, 1015 CC Amsterdam, KvK",
        "{",
    ),
]


@pytest.mark.parametrize(("content", "says", "never"), [one[1:] for one in SAYS], ids=[one[0] for one in SAYS])
def test_what_is_said_is_what_is_so(texts: Texts, content: Content, says: str, never: str) -> None:
    text = read(texts, content)
    assert says in text
    assert never not in text


def test_who_sends_it_stands_in_both_forms_whole_and_as_text(texts: Texts) -> None:
    identity = (
        "Müller & Söhne GmbH, Lange Straße 1, 10115 Berlin, Amtsgericht Charlottenburg HRB 12345, <USt> DE123456789"
    )
    content = sample(K.REMINDER, "en-GB")
    done = texts.render(replace(content, operator=replace(content.operator, identity=identity)))
    assert identity in " ".join(done.text.split())
    assert identity.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in done.html


def test_a_reader_is_asked_for_nothing_in_any_kind(texts: Texts) -> None:
    asked = "Can you not pay|Have you already|Please put this right|Kunt u nu niet|Hebt u al betaald|Breng dit in orde"
    for kind in (one for one, spec in KINDS.items() if spec.asks_for_money or spec.declined):
        for locale in BREAKS:
            content = given("a reader", kind, locale)
            assert content.link == LINK
            assert not re.search(asked, read(texts, content)), (kind, locale)
