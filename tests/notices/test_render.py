"""A finished message is safe whatever the names in it are, and readable on a telephone, in an archive and by ear."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import mjml
import pytest
from msgspec.structs import replace

from arrears import wiring
from arrears.core.account import Action
from arrears.core.messages.content import Content, DatedAction, DebtLine, Reader, Role, Sum
from arrears.core.messages.kinds import MessageKind
from arrears.notices import layout
from arrears.notices.plain import LINE_CHARS_MAX
from arrears.notices.render import Texts, load_texts
from arrears.notices.samples import sample, samples

HTML_BYTES_MAX = 30_000
HEBREW, ARABIC = "שלום עולם", "شركة التصوير"


@pytest.fixture(scope="module")
def texts() -> Texts:
    return wiring.texts()


def named(name: str, kind: MessageKind = MessageKind.STOP_WARNING, locale: str = "en-GB") -> Content:
    """A message in which everything that somebody else writes is this text."""
    content = sample(kind, locale)
    return replace(
        content,
        account_name=name,
        reader=Reader(name, Role.ADMINISTRATOR, "Europe/Amsterdam"),
        administrator=name,
        operator=replace(content.operator, name=name),
        debts=tuple(replace(line, number=name, services=(name,)) for line in content.debts),
        actions=tuple(replace(cut, service=name, others=(name,)) for cut in content.actions),
        services=(name,) if content.services else (),
        card=name if content.card else "",
        new_address=name if content.new_address else "",
        old_address=name if content.old_address else "",
    )


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\"><img src=x onerror='x'>", "{{ 7*7 }}{% if x %}", "R&D <b>", "&lt;i&gt;"]
)
def test_a_name_is_text_and_never_markup_or_a_template(texts: Texts, kind: MessageKind, name: str) -> None:
    harmless, done = texts.render(named("Name", kind)), texts.render(named(name, kind))
    assert re.findall(r"<[a-zA-Z]+", done.html) == re.findall(r"<[a-zA-Z]+", harmless.html)
    assert "<script" not in done.html
    assert "49" not in done.text
    assert " ".join(name.split()) in " ".join(done.text.split()) or len(name) > 40


def test_a_template_of_our_own_with_letters_that_html_knows_is_escaped_once(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[test]\nheading = "R&D < all"\nbutton = "A & B"')
    done = load_texts(tmp_path).render(sample(MessageKind.TEST, "en"))
    assert "<h1>R&amp;D &lt; all</h1>" in done.html
    assert "A &amp; B</a>" in done.html
    assert done.text.startswith("R&D < all\n")


@pytest.mark.parametrize("kind", MessageKind)
def test_a_name_of_ten_thousand_letters_leaves_a_message(texts: Texts, kind: MessageKind) -> None:
    for name in ("N" * 10_000, "new " * 2_500, "\u202e" * 10_000 + "x"):
        done = texts.render(named(name, kind))
        assert len(done.html.encode()) < HTML_BYTES_MAX
        assert len(done.subject) < 600
        assert all(len(line) <= LINE_CHARS_MAX for line in done.text.splitlines() if "://" not in line)


@pytest.mark.parametrize("name", [HEBREW, ARABIC])
def test_a_name_that_is_written_from_right_to_left_keeps_its_direction_to_itself(texts: Texts, name: str) -> None:
    done = texts.render(named(name))
    assert f"<bdi>{name}</bdi>" in done.html
    assert f"\u2068{name}\u2069" in done.text
    assert done.subject.startswith(f"\u2068{name}\u2069 will stop")


@pytest.mark.parametrize("mark", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"])
def test_marks_that_turn_the_direction_are_taken_out(texts: Texts, mark: str) -> None:
    done = texts.render(named(f"Acme {mark}gro.live"))
    for part in (done.subject, done.text, done.html):
        assert mark not in part
        assert "Acme gro.live" in part


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize(
    "between", ["\r\nBcc: all@example.org\r\n", "\n", "\x00\x1b[31m\x7f", "\u2028", "\x85", "\ud800"]
)
def test_line_ends_and_control_characters_are_taken_out(texts: Texts, kind: MessageKind, between: str) -> None:
    done = texts.render(named(f"Acme{between}Ltd", kind))
    assert done.subject.splitlines() == [done.subject]
    for part in (done.subject, done.text, done.html):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", part)
        part.encode()
    assert "\nBcc:" not in done.text.replace("Acme\nBcc:", "Acme Bcc:"), "a name begins no line of its own"


def test_letters_that_join_others_stay(texts: Texts) -> None:
    for name in ("👩‍💻 Studio", "می\u200cخواهم"):
        assert name in texts.render(named(name)).subject


def test_lines_of_plain_text_are_short_and_links_whole(texts: Texts) -> None:
    link = "https://pay.example.org/pay/" + "x" * 200
    for content in (*samples("en-GB"), *samples("nl-NL")):
        done = texts.render(replace(content, link=link))
        lines = done.text.splitlines()
        assert link in lines
        assert [line for line in lines if len(line) > LINE_CHARS_MAX and "://" not in line] == []
        assert "\u00a0" not in done.text
        assert not any(line != line.rstrip() for line in lines if line != "-- ")


def test_wide_sums_and_long_numbers_still_stand_in_columns(texts: Texts) -> None:
    lines = (
        DebtLine(
            "HEAD-OFFICE-2026-000412-CORRECTION", datetime(2026, 9, 30, tzinfo=UTC).date(), 12_345_678_900, "EUR", ()
        ),
        DebtLine("7", datetime(2026, 9, 28, tzinfo=UTC).date(), 1, "JPY", ("cloud",) * 9),
    )
    sums = (Sum("EUR", 12_345_678_900), Sum("JPY", 1))
    text = texts.render(replace(sample(MessageKind.REMINDER, "nl-NL"), debts=lines, sums=sums)).text
    table = text[text.index("Dit staat nog open") :].splitlines()[2:11]
    ends = {len(line) for line in table if (re.search(r"\d$|---$|Bedrag", line) and "€" in line) or "JP¥" in line}
    assert len(ends) == 1, table
    assert max(ends) <= LINE_CHARS_MAX


@pytest.mark.parametrize("kind", MessageKind)
def test_the_html_is_small_and_asks_nothing_of_other_servers(texts: Texts, kind: MessageKind) -> None:
    content = sample(kind, "nl-NL")
    html = texts.render(content).html
    assert len(html.encode()) < HTML_BYTES_MAX
    assert 'lang="nl-NL" dir="ltr"' in html[:200]
    allowed = {content.link, content.operator.support_url, f"mailto:{content.operator.support_email}"}
    assert set(re.findall(r'(?:href|src|action|background)="([^"]*)"', html)) == allowed
    assert not re.search(r"<(img|link|script|iframe|form|object|video|font)\b|@import|@font-face|url\(", html)


def test_the_table_can_be_heard(texts: Texts) -> None:
    html = texts.render(sample(MessageKind.REMINDER, "en-GB")).html
    table = re.search("<table[^>]*><caption.*?</table>", html, re.DOTALL)
    assert table is not None
    heads = re.findall(r"<th\b[^>]*>", table[0])
    assert len(heads) == 3 + 3 + 2
    assert all("scope=" in head for head in heads)
    others = re.findall(r"<table\b[^>]*>", html.replace(table[0], ""))
    assert all('role="presentation"' in one for one in others if "width" not in one or "border" in one)


def test_a_language_from_right_to_left_starts_on_the_right(tmp_path: Path) -> None:
    from importlib import resources

    folder = resources.files("arrears.notices") / "texts"
    (tmp_path / "he.toml").write_text((folder / "nl.toml").read_text("utf-8"), "utf-8")
    html = load_texts(tmp_path).render(sample(MessageKind.REMINDER, "he-IL")).html
    assert 'lang="he-IL" dir="rtl"' in html
    assert "direction:ltr" not in html
    assert "text-align: right; vertical-align" in html


def test_a_reader_in_another_zone_is_told_whose_days_these_are(texts: Texts) -> None:
    content = sample(MessageKind.REMINDER, "en-GB")
    for zone, told in (
        ("Europe/Amsterdam", False),
        ("Europe/Paris", False),
        ("America/New_York", True),
        ("Africa/Lagos", True),
    ):
        text = texts.render(replace(content, reader=replace(content.reader, zone=zone))).text
        assert ("Every date in this message is a day in Amsterdam" in " ".join(text.split())) is told, zone
        assert "09:00 (Amsterdam time)." in text, zone


@pytest.mark.parametrize(
    ("locale", "language", "day"),
    [
        ("nl", "nl", "31 januari 2026"),
        ("nl_BE", "nl", "31 januari 2026"),
        ("nl-XX", "nl", "31 januari 2026"),
        ("en-US", "en", "January 31, 2026"),
        ("en", "en", "31 January 2026"),
        ("de-DE", "en", "31 January 2026"),
        ("", "en", "31 January 2026"),
        ("tlh", "en", "31 January 2026"),
    ],
)
def test_a_reader_gets_the_language_we_have_and_its_own_way_of_writing_dates(
    texts: Texts, locale: str, language: str, day: str
) -> None:
    done = texts.render(replace(sample(MessageKind.STOP_WARNING, "en"), locale=locale))
    assert done.language == language
    assert day in done.subject.replace("\u00a0", " ")


def test_the_layout_is_compiled_when_the_texts_are_loaded_and_not_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    compile_mjml = mjml.mjml2html
    monkeypatch.setattr(mjml, "mjml2html", lambda *args, **more: (calls.append(1), compile_mjml(*args, **more))[1])
    layout.compiled.cache_clear()
    loaded = load_texts()
    for content in samples("nl-NL"):
        loaded.render(content)
    assert len(calls) == 1


def test_the_same_content_makes_the_same_message(texts: Texts) -> None:
    content = sample(MessageKind.STOPPED, "nl-NL")
    assert texts.render(content) == texts.render(content)
    assert texts.render(content) == load_texts().render(content)


def test_an_operator_without_a_page_or_without_an_address_still_offers_help(texts: Texts) -> None:
    content = sample(MessageKind.REMINDER, "en-GB")
    only_page = texts.render(replace(content, operator=replace(content.operator, support_email=""))).text
    assert "better: https://help.example.org/billing" in " ".join(only_page.split())
    only_mail = texts.render(replace(content, operator=replace(content.operator, support_url=""))).text
    assert "better: billing@example.org\n" in only_mail.replace("better:\n", "better: ")


def test_a_cut_says_what_is_kept_and_what_it_does_not_touch(texts: Texts) -> None:
    on = datetime(2026, 1, 31, tzinfo=UTC).date()
    kept = datetime(2026, 5, 1, tzinfo=UTC).date()
    cut = DatedAction("cloud", Action.DISABLE, on, others=("sub_12_2", "sub_12_3"), kept_until=kept)
    text = " ".join(texts.render(replace(sample(MessageKind.STOPPED, "en-GB"), actions=(cut,))).text.split())
    assert (
        "- cloud was stopped at the end of 31 January 2026. Its data is kept at least until 1 May 2026. "
        "This does not affect sub_12_2 and sub_12_3." in text
    )
