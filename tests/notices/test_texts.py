"""Every language says everything: all kinds, for all readers, with the sums, dates and numbers of the content."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from importlib import resources

import pytest
from babel.dates import format_date
from msgspec.structs import replace

from arrears import wiring
from arrears.core.account import Action
from arrears.core.messages.content import Content, DatedAction, Reader, Role
from arrears.core.messages.kinds import KINDS, Actor, MessageKind
from arrears.core.money import format_amount
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.notices.render import Rendered, Texts
from arrears.notices.samples import for_reader, sample, samples
from arrears.notices.values import locale_of

LOCALES = ("en-GB", "en-US", "nl-NL", "nl-BE")
SUBJECT_CHARS_MAX = 78


@pytest.fixture(scope="module")
def texts() -> Texts:
    return wiring.texts()


def every() -> Iterator[Content]:
    """Every kind and variant, in every locale, for every role."""
    for locale in LOCALES:
        for content in samples(locale):
            yield content
            for role in Role:
                reader = replace(for_reader(content), reader=Reader("Sam", role, "Asia/Tokyo"))
                yield reader


EVERY = list(every())


class _Seen(HTMLParser):
    """What a person sees of an HTML message, without the hidden first line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.hidden and tag == "div":
            self.hidden += 1
        elif tag in ("style", "title") or (tag == "div" and "display:none" in (dict(attrs).get("style") or "")):
            self.hidden = 1
        if tag in ("p", "td", "th", "li", "br", "h1"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self.hidden and tag in ("div", "style", "title"):
            self.hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def seen(html: str) -> str:
    parser = _Seen()
    parser.feed(html)
    return spaced("".join(parser.parts))


def spaced(text: str) -> str:
    return " ".join(text.split())


def forms(done: Rendered) -> tuple[str, str]:
    return spaced(done.text), seen(done.html)


def test_every_language_has_the_same_texts_in_the_same_order() -> None:
    files = {
        code: tomllib.loads((resources.files("arrears.notices") / "texts" / f"{code}.toml").read_text("utf-8"))
        for code in LANGUAGES
    }
    english = files.pop(DEFAULT_LANGUAGE)
    for code, found in files.items():
        assert set(found) == {*english, "guidance"}, "the English sentences about declines are the message ids"
        for table, values in english.items():
            if isinstance(values, dict):
                assert list(found[table]) == list(values), f"{code}: {table}"


@pytest.mark.sample(10)
@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_is_whole_for_every_reader_in_every_locale_and_form(texts: Texts, kind: MessageKind) -> None:
    for content in (one for one in EVERY if one.kind is kind):
        done = texts.render(content)
        both = forms(done)
        assert done.language == content.locale[:2]
        assert done.subject == spaced(done.subject)
        assert len(done.subject) <= SUBJECT_CHARS_MAX, done.subject
        wanted = facts_of(content)
        for form in both:
            assert not re.search(r"[{}]|%}|None|True|False| ,| \.(?!\w)|\.\.| :", form), form
            missing = [text for text in wanted if spaced(text) not in form]
            assert missing == [], (missing, form)
        assert done.html.count(f'href="{content.link}"') == 2, "the button, and the address to copy"
        assert len(re.findall(r'class="button"', done.html)) == 1


def facts_of(content: Content) -> list[str]:
    """Every sum, number, date and name, as its locale writes it."""
    locale = locale_of(content.locale)
    sums = [(one.minor, one.currency) for one in (*content.sums, *content.paid)]
    sums += [(line.open_minor, line.currency) for line in content.debts]
    days = [line.due_on for line in content.debts] + [cut.on for cut in content.actions]
    days += [on for cut in content.actions if (on := cut.kept_until)]
    days += [on for on in (content.expires_on, content.effective_on) if on]
    days += [on for on in (content.no_deletion_until, content.no_stop_until) if on]
    wanted = [format_amount(minor, currency, content.locale) for minor, currency in sums]
    wanted += [format_date(on, "long", locale=locale) for on in days]
    wanted += [line.number for line in content.debts] + [cut.service for cut in content.actions]
    wanted += [service for line in content.debts for service in line.services]
    wanted += [content.account_name, content.reader.name, content.link, content.operator.name]
    wanted += [content.operator.support_email, content.operator.support_url]
    return wanted + [text for text in (content.new_address, content.old_address, content.request) if text]


@pytest.mark.parametrize(("locale", "who"), [("en-GB", "Only the account administrator"), ("nl-NL", "Alleen de accou")])
def test_who_cannot_act_is_told_who_can_and_is_not_asked_to_pay(texts: Texts, locale: str, who: str) -> None:
    for kind in MessageKind:
        content = for_reader(sample(kind, locale))
        done = texts.render(content)
        told = KINDS[kind].actor is Actor.ADMINISTRATOR
        assert (who in spaced(done.text)) is told, kind
        assert (who in seen(done.html)) is told, kind
        assert not told or content.administrator in done.text
        assert not re.search(r"(?m)^(Pay|Betaal|Confirm €|Bevestig €)", done.text), kind


@pytest.mark.parametrize(
    ("locale", "stops", "bank", "cannot"),
    [
        ("en-GB", "by the end of 31 January 2026, none of this happens", "your bank declines", "Can you not pay now"),
        ("nl-NL", "uiterlijk op 31 januari 2026 bij ons binnen is", "Weigert uw bank", "Kunt u nu niet betalen"),
    ],
)
def test_who_can_pay_learns_what_stops_it_what_to_ask_the_bank_and_where_help_is(
    texts: Texts, locale: str, stops: str, bank: str, cannot: str
) -> None:
    for kind in (MessageKind.REMINDER, MessageKind.STOP_WARNING):
        for form in forms(texts.render(sample(kind, locale))):
            assert stops in form
            assert bank in form
    for kind in (one for one, spec in KINDS.items() if spec.asks_for_money):
        assert cannot in spaced(texts.render(sample(kind, locale)).text)
    assert cannot not in spaced(texts.render(sample(MessageKind.CONFIRM_ADDRESS, locale)).text)


def test_a_decline_says_what_to_ask_the_bank_before_it_says_what_happens(texts: Texts) -> None:
    text = spaced(texts.render(sample(MessageKind.DECLINED, "en-GB")).text)
    assert text.index("Are recurring payments allowed") < text.index("If this is not paid") < text.index("Pay €120.00:")
    expired = texts.render(replace(sample(MessageKind.DECLINED, "nl-NL"), decline="expired")).text
    assert "Vul de nieuwe vervaldatum in" in spaced(expired)
    assert "Vraag dit aan uw bank" not in expired, "the bank cannot mend an expired card"


def test_a_reminder_without_a_date_promises_the_day_before_anything_stops(texts: Texts) -> None:
    quiet = replace(sample(MessageKind.REMINDER, "en-GB"), actions=())
    text = spaced(texts.render(quiet).text)
    assert "Before one stops because of this, we tell you the day." in text
    assert "the following happens" not in text
    assert "laten wij u weten op welke dag" in spaced(texts.render(replace(quiet, locale="nl-NL")).text)


def test_a_deletion_is_on_or_after_its_day_and_money_must_be_there_before_it(texts: Texts) -> None:
    cut = DatedAction("cloud", Action.DELETE, date(2026, 5, 1))
    for kind in (MessageKind.REMINDER, MessageKind.DELETION_WARNING):
        english = spaced(texts.render(replace(sample(kind, "en-GB"), actions=(cut,))).text)
        assert "will be deleted on or after 1 May 2026" in english
        assert "If the payment reaches us before 1 May 2026" in english
        dutch = spaced(texts.render(replace(sample(kind, "nl-NL"), actions=(cut,))).text)
        assert "worden op of na 1 mei 2026 verwijderd" in dutch
        assert "Als de betaling vóór 1 mei 2026 bij ons binnen is" in dutch


def test_what_is_less_grave_or_later_is_in_the_list_and_not_in_the_heading(texts: Texts) -> None:
    first = DatedAction("cloud", Action.RESTRICT, date(2026, 1, 31))
    content = replace(
        sample(MessageKind.STOP_WARNING, "en-GB"),
        actions=(first, replace(first, service="web"), DatedAction("mail", Action.DISABLE, date(2026, 1, 31))),
    )
    done = texts.render(content)
    assert done.subject == "mail will stop on 31 January 2026: €23.20 unpaid", "the gravest of that day"
    text = spaced(done.text)
    assert "- cloud will be restricted at the end of 31 January 2026." in text
    assert "- mail will stop at the end of 31 January 2026." in text
    assert "Restricted means:" in text
    assert "Stopped means:" in text


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (("cloud", "mail"), "€23.20 unpaid"),
        (("", "mail"), "€120.00 unpaid"),
        (("cloud", "web"), "€120.00 unpaid"),
        (("mail", "mail"), "€120.00 unpaid"),
    ],
    ids=["one of two", "one that says nothing", "none that names it", "both"],
)
def test_a_subject_about_a_stop_names_what_is_owed_for_that_service(
    texts: Texts, services: tuple[str, str], said: str
) -> None:
    content = sample(MessageKind.STOP_WARNING, "en-GB")
    debts = tuple(
        replace(line, services=(name,) if name else ()) for line, name in zip(content.debts, services, strict=True)
    )
    stop = DatedAction("mail", Action.DISABLE, date(2026, 1, 31))
    done = texts.render(replace(content, debts=debts, actions=(stop,)))
    assert done.subject == f"mail will stop on 31 January 2026: {said}"


def test_subjects_as_they_are_written(texts: Texts) -> None:
    found = [
        texts.render(sample(kind, locale)).subject.replace("\u00a0", " ")
        for locale in LOCALES[::2]
        for kind in MessageKind
    ]
    for subject in (
        "Unpaid: €120.00 and US$1,234.50 for cloud, mail and backup",
        "cloud will stop on 31 January 2026: €96.80 unpaid",
        "Data of cloud will be deleted on or after 1 May 2026",
        "Nog te betalen: € 120,00 en US$ 1.234,50 voor cloud, mail en backup",
        "cloud stopt op 31 januari 2026: € 96,80 staat open",
    ):
        assert subject in found


@pytest.mark.parametrize(
    ("locale", "days", "one", "several"),
    [
        ("en-GB", ["today", "in 1 day", "in 7 days"], "One invoice for", "Three invoices for"),
        ("nl-NL", ["vandaag", "over 1 dag", "over 7 dagen"], "Eén factuur voor", "Drie facturen voor"),
    ],
)
def test_plural_forms(texts: Texts, locale: str, days: list[str], one: str, several: str) -> None:
    card = sample(MessageKind.CARD_EXPIRES, locale)
    headings = [texts.render(replace(card, days_left=left)).text.splitlines()[0] for left in (0, 1, 7)]
    assert [heading.split(" ", 4)[-1] for heading in headings] == days
    reminder = sample(MessageKind.REMINDER, locale)
    assert several in texts.render(reminder).text
    single = replace(reminder, debts=reminder.debts[2:], sums=reminder.sums[1:])
    assert one in texts.render(single).text


def test_more_than_three_names_are_counted(texts: Texts) -> None:
    for names, english in (("abcd", "a, b, c and d"), ("abcde", "a, b, c and 2 others"), ("aabb", "a and b")):
        done = texts.render(replace(sample(MessageKind.RESUMED, "en-GB"), services=tuple(names)))
        assert done.subject.endswith(f": {english}")


def test_settled_with_and_without_debts_left(texts: Texts) -> None:
    content = sample(MessageKind.SETTLED, "en-GB")
    assert "US$1,234.50 is still open." in spaced(texts.render(content).text)
    done = texts.render(replace(content, debts=(), sums=(), services=()))
    assert done.subject == "Received: €120.00"
    assert "Nothing is past due any more." in spaced(done.text)
    assert "Total" not in done.text
    assert "<tfoot" not in done.html


def test_a_deletion_without_a_debt_does_not_speak_of_one(texts: Texts) -> None:
    content = sample(MessageKind.DELETED, "en-GB")
    assert "has ended, and €120.00 is still open." in spaced(texts.render(content).text)
    done = texts.render(replace(content, debts=(), sums=()))
    assert not re.search("payment|open|paid", spaced(done.text)), done.text


SELLING = ("unsubscribe", "afmelden", "uitschrijven", "newsletter", "offer", "aanbieding", "!")


def test_a_notice_sells_nothing_and_cannot_be_unsubscribed(texts: Texts) -> None:
    for content in samples("en-GB"):
        for locale in ("en-GB", "nl-NL"):
            done = texts.render(replace(content, locale=locale))
            shown = f"{done.subject}\n{done.text}\n{seen(done.html)}".lower()
            assert [word for word in SELLING if word in shown] == [], content.kind
