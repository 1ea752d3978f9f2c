"""The report of a replay: the same words in every language, nothing from elsewhere, nobody's name as markup."""

from __future__ import annotations

import re
import string
import tomllib
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest
from msgspec.structs import replace
from tests.sim.test_replay_books import STRICT, book, invoice, payment

from arrears.core.policy import default_policy, load_policy
from arrears.core.receivables import ReceivablesBook
from arrears.sim.charts import POINTS_MAX, rounded_up, thinned
from arrears.sim.figures import MONEY, SERVICE, align, rows_of
from arrears.sim.outcome import PaidWhen, PolicyOutcome
from arrears.sim.replay import Replay, ReplaySettings
from arrears.sim.report_page import ReportedBook, last_day, page_of
from arrears.sim.report_words import LANGUAGES, NAME_CHARS_MAX, one_line, words_of
from arrears.store.memory.store import MemoryStore

EVIL = '<script>alert(1)</script> & "sons"'


class Tags(HTMLParser):
    """The tags of a page, whether each is closed, and every attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@cache
def the_book() -> ReceivablesBook:
    euro = [invoice(f"A-{n}", months=n) for n in range(4)]
    yen = invoice("B-1", "bert", currency="JPY")
    made = book(*euro, yen, *(payment(i, 10 + 9 * n) for n, i in enumerate(euro[:3])), payment(yen, 40))
    return replace(made, accounts=tuple(replace(a, name=EVIL) for a in made.accounts))


@cache
def outcomes() -> dict[str, PolicyOutcome]:
    each = {"default": default_policy(), "<i>strict</i>": STRICT}
    found = {label: Replay(MemoryStore(), the_book(), ReplaySettings(p)).play() for label, p in each.items()}
    align(list(found.values()))
    return found


def page(language: str, *labels: str) -> str:
    chosen = {label: one for label, one in outcomes().items() if not labels or label in labels}
    return page_of(ReportedBook(the_book(), ReplaySettings(default_policy()), last_day(the_book())), chosen, language)


def texts(language: str) -> dict[str, Any]:
    file = resources.files("arrears.sim").joinpath("report", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_gaps(language: str) -> None:
    ours, english = texts(language), texts("en")
    assert {table: set(ours[table]) for table in ours} == {table: set(english[table]) for table in english}
    for name, text in english["words"].items():
        mine = ours["words"][name]
        if isinstance(text, str):
            assert fields(mine) == fields(text), name
        else:
            assert fields(mine["other"]) == fields(text["other"]), name
            assert mine.keys() == text.keys() == {"one", "other"}, name


def test_every_figure_is_named_and_defined_and_no_other() -> None:
    keys = [figure.key for figure in (*SERVICE, *MONEY)]
    assert len(set(keys)) == len(keys)
    assert texts("en")["figures"].keys() == set(keys)
    assert {f"stage_{stage}" for stage in PaidWhen} <= texts("en")["words"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("labels", [(), ("default",)], ids=["two", "one"])
def test_a_page_is_whole_runs_nothing_and_fetches_nothing(language: str, labels: tuple[str, ...]) -> None:
    text = page(language, *labels)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.seen.isdisjoint({"script", "link", "img", "iframe", "a", "form", "object"})
    assert not re.search(r"url\(|@import|https?:|//", text)
    assert [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")] == []
    assert "alert(1)" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_that_is_shown_has_its_definition_in_the_page(language: str) -> None:
    text, words = page(language), words_of(language)
    for row in rows_of(list(outcomes().values())):
        assert text.count(words.label(row.key)) >= 2
        assert words.means(row.key).replace("'", "&#39;") in text


def test_a_policy_that_never_stops_or_deletes_has_a_report_too() -> None:
    never = load_policy(
        'name = "never"\n[disable]\nafter_days = "never"\n[delete]\nretention_days = "never"\n',
        where="never.toml",
    )
    outcome = Replay(MemoryStore(), the_book(), ReplaySettings(never)).play()
    each = {**outcomes(), "never": outcome}
    align(list(each.values()))
    reported = ReportedBook(the_book(), ReplaySettings(never), last_day(the_book()))
    assert not outcome.stops
    for chosen in (each, {"never": outcome}):
        for language in LANGUAGES:
            assert words_of(language)("verdict_none") in page_of(reported, chosen, language)


def test_the_same_outcomes_give_the_same_bytes_and_no_digest_is_missing() -> None:
    assert page("nl") == page("nl") != page("en")
    for outcome in outcomes().values():
        assert outcome.policy.version in page("en")


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 9, "0%"), (9, 9, "100%"), (1, 9000, "1%"), (8999, 9000, "99%"), (1, 0, "–")]
)
def test_nothing_and_everything_are_never_said_of_almost(part: int, whole: int, said: str) -> None:
    assert words_of("en").percent(part, whole) == said


@pytest.mark.parametrize("top", [1, 2, 5, 6, 11, 49, 51, 99, 101, 26_001, 10**15 + 1])
def test_a_scale_holds_its_highest_value_in_at_most_five_round_steps(top: int) -> None:
    end, step = rounded_up(top)
    assert end >= top
    assert end % step == 0
    assert end // step <= 5
    assert str(step).rstrip("0") in ("1", "2", "5")


def test_a_long_series_keeps_its_peak() -> None:
    one = [n % 17 for n in range(5000)]
    one[3333] = 1000
    [kept] = thinned(one)
    assert len(kept) <= POINTS_MAX
    assert max(kept) == 1000


def test_a_name_is_one_readable_line() -> None:
    assert one_line("Jan\n de\u202e  Vries\x07") == "Jan de Vries"
    assert len(one_line("x" * 500)) == NAME_CHARS_MAX
