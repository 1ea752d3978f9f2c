"""Every sentence of every page is there in every language, none is a guess, and no page in Dutch shows English."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import write_po
from tests.sizes import ALL
from tests.web.routes import of_an_account, parts, routes, target
from tests.web.states import RECIPES, Town
from tests.web.visitors import visitor

from arrears.cli.translations import (
    begin,
    catalogue_path,
    check_begun,
    check_catalogues,
    compile_catalogues,
    compiled,
    misnamed,
    missing,
    read_catalogue,
    said,
    said_in,
    said_in_template,
    texts_path,
)
from arrears.core.errors import Refused
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.notices.texts import every_key, load_languages

TRANSLATED = sorted(LANGUAGES.keys() - {DEFAULT_LANGUAGE})
ENGLISH: Final = frozenset(
    (
        *("the", "you", "your", "are", "this", "that", "please", "with", "and", "not", "have", "has", "been", "which"),
        *("when", "what", "they", "there", "cannot", "will", "from"),
    )
)
"""Words of nearly every English sentence, and of no Dutch one."""


@pytest.mark.parametrize(
    ("template", "ids"),
    [
        ('{% translate "One" %}', ["One"]),
        ("<p title=\"{% translate 'One' %}\">", ["One"]),
        ('{% translate "One" as one %}', ["One"]),
        ("{% blocktranslate with a=b.c d=e|lower %}{{ a }} of {{ d }}{% endblocktranslate %}", ["%(a)s of %(d)s"]),
        (
            "{% blocktranslate count n=days %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}",
            ["%(n)s day", "%(n)s days"],
        ),
        ("{% blocktranslate trimmed %}\n  One\n  line\n{% endblocktranslate %}", ["One line"]),
        ('{% include "x.html" with title=_("One") %}', ["One"]),
    ],
)
def test_every_way_of_saying_something_in_a_template_is_seen(site: str, template: str, ids: list[str]) -> None:
    assert [one for words, _ in said_in_template(template) for one in forms(words)] == ids


def test_every_way_of_saying_something_in_python_is_seen() -> None:
    source = '_("a"); gettext_lazy("b"); ngettext("c", "d", n); pgettext("where", "e"); f(_("f" "g"))'
    assert list(said_in(source)) == [
        ("a", None), ("b", None), (("c", "d"), None), ("e", "where"), ("fg", None),
    ]  # fmt: skip


def by_words(messages: Iterable[Message]) -> dict[tuple[Any, ...], Any]:
    """What each message is translated as, by its English words (one and many) and its context."""
    return {
        (*one.id, one.context) if one.pluralizable else (one.id, one.context): (
            tuple(one.string) if one.pluralizable else one.string
        )
        for one in messages
    }


def catalogue(code: str) -> list[Message]:
    return [message for message in read_catalogue(catalogue_path(code)) if message.id]


def forms(words: Any) -> tuple[str, ...]:
    return tuple(words) if isinstance(words, tuple | list) else (str(words or ""),)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_and_every_sentence_is_there_in_every_language(site: str, code: str) -> None:
    assert len(list(said())) > 60
    assert missing(code) == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_is_a_guess_and_the_compiled_catalogue_is_the_one_that_is_read(code: str) -> None:
    assert [message.id for message in catalogue(code) if message.fuzzy] == []
    with catalogue_path(code).with_suffix(".mo").open("rb") as file:
        read = [one for one in read_mo(file) if one.id]
    assert by_words(read) == by_words(catalogue(code)), "`make translations` compiles it"


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("", False),
        ("Der Dienst wird am %(day)s gestoppt.", False),
        ("Der Dienst wird am %(dag)s gestoppt.", True),
        ("Der Dienst wird gestoppt.", True),
        ("%(day)s: 100 %% gestoppt.", True),
    ],
)
def test_a_translation_that_names_something_else_is_told_of_every_language_that_is_there(
    tmp_path: Path, words: str, wrong: bool
) -> None:
    path = catalogue_path("de", tmp_path)
    path.parent.mkdir(parents=True)
    texts_path("de", tmp_path).parent.mkdir(parents=True)
    said = 'msgid "Service stops on %(day)s."'
    path.write_text(f'msgid ""\nmsgstr "Language: de\\n"\n\n{said}\nmsgstr "{words}"\n', "utf-8")
    assert len(misnamed("de", tmp_path)) == wrong
    if wrong:
        with pytest.raises(
            Refused, match=r"^de/django.po: 'Service stops on %\(day\)s\.' .* the original has %\(day\)s$"
        ):
            check_catalogues(tmp_path)


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_translation_names_what_the_original_names(code: str) -> None:
    """A name that is left out would leave out a sum or a day; one too many is an error when the page is shown."""
    assert misnamed(code) == []
    names = re.compile(r"%\((\w+)\)s|%%")
    for message in catalogue(code):
        originals = forms(message.id)
        for words in forms(message.string):
            original = originals[0] if words is forms(message.string)[0] else originals[-1]
            assert sorted(set(names.findall(words))) == sorted(set(names.findall(original))), original


@pytest.mark.turn(2)
def test_a_language_that_is_begun_has_everything_to_translate_and_is_not_begun_twice(tmp_path: Path) -> None:
    texts, pages = begin("de", tmp_path)
    assert (texts, pages) == (texts_path("de", tmp_path), catalogue_path("de", tmp_path))
    lacking = missing("de", tmp_path)
    assert "de.toml: [reminder] subject" in lacking
    assert "de/django.po: base.html: Skip to the text" in lacking
    assert len(lacking) == len(list(every_key())) - 1 + len({(forms(ids)[0], name) for (ids, _), name in said()})
    with pytest.raises(Refused) as refusal:
        begin("de", tmp_path)
    assert refusal.value.code == "already_there"
    for code, why in (("nl", "already_there"), ("de-AT", "unknown_language"), ("../x", "unknown_language")):
        with pytest.raises(Refused) as refusal:
            begin(code, tmp_path)
        assert refusal.value.code == why


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("subject", "why"),
    [("Noch {{ sums }}", ""), ("Noch {{ summen }}", "de.toml:.*summen"), ("Noch {{ sums", "de.toml:"), ("", "de.toml")],
)
def test_a_text_of_a_language_that_is_only_begun_is_checked_as_those_of_every_other(
    tmp_path: Path, subject: str, why: str
) -> None:
    texts, _pages = begin("de", tmp_path)
    whole = texts.read_text("utf-8")
    texts.write_text(whole.replace("[reminder]\n", f'[reminder]\nsubject = "{subject}"\n', 1), "utf-8")
    if not why:
        check_begun(tmp_path)
        return
    with pytest.raises(Refused, match=why) as refusal:
        check_begun(tmp_path)
    assert refusal.value.code == "bad_template"


@pytest.mark.turn(2)
def test_a_language_whose_every_line_is_translated_is_whole(tmp_path: Path) -> None:
    texts, pages = begin("de", tmp_path)
    texts.write_text(re.sub("(?m)^# (?!Translate)", "", texts.read_text("utf-8")), "utf-8")
    whole = read_catalogue(pages)
    for message in whole:
        message.string = message.id
    with pages.open("wb") as file:
        write_po(file, whole)
    assert missing("de", tmp_path) == []
    compile_catalogues(["de"], tmp_path)
    assert pages.with_suffix(".mo").read_bytes() == compiled(pages)
    (tmp_path / "own").mkdir()
    texts.rename(tmp_path / "own" / "de.toml")
    assert load_languages(tmp_path / "own")["de"].name == "Deutsch"


# -- what pages show -----------------------------------------------------------------------------------------------


class Shown(HTMLParser):
    """The texts of a page that a person reads or hears, one a node."""

    HEARD: Final = ("title", "alt", "aria-label", "placeholder")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._language: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag, found = tag, dict(attrs)
        # The button for another language is written in that language.
        self._foreign = found.get("lang", "nl") != "nl"
        self.texts += [text for name in self.HEARD if (text := found.get(name) or "")]

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and self._tag not in ("script", "style") and not self._foreign:
            self.texts.append(text)

    _tag, _foreign = "", False


def english() -> re.Pattern[str]:
    """What an untranslated sentence would look like, whatever stands in its open places."""
    found = []
    for message in catalogue("nl"):
        for original, words in zip(forms(message.id), forms(message.string), strict=True):
            open_places = re.escape(original).replace("%%", "%")
            pattern = re.sub(r"%\\\(\w+\\\)s", ".+", open_places)
            if re.search("[a-z]{3}", re.sub(r"%\(\w+\)s", "", original)) and words != original:
                found.append(pattern)
    return re.compile("|".join(found))


def pages_in_dutch(town: Town) -> Iterator[tuple[str, Any]]:
    """Every page in every state (in some, which the seed of the run chooses, in `make test`), its name first."""
    for state in RECIPES if ALL else random.sample(sorted(RECIPES), 8):
        account = town.accounts[state]
        role = "administrator" if "administrator" in RECIPES[state].roles else "reader"
        for route in (*filter(of_an_account, routes()), "/pay/"):
            if "number" in parts(route) and not town.setup(account):
                continue
            who = "link" if route == "/pay/" else role
            if who != "link" or account in town.links:
                yield f"{route}, {state}", visitor(town, who, account).get(target(town, route, account), headers=NL)
    account = town.accounts["warned"]
    for route in routes():
        if not of_an_account(route) and not route.startswith("/v1/"):
            for who in ("anonymous", "administrator", "staff"):
                yield f"{route} as {who}", visitor(town, who).get(target(town, route, account), headers=NL)
    for path in ("/nothing-here", "/pay/none", "/address/none"):
        yield path, visitor(town, "anonymous").get(path, headers=NL)
    yield "a form from elsewhere", visitor(town, "anonymous", enforce_csrf_checks=True).post("/language", headers=NL)
    yield "a reader's form", visitor(town, "reader").post(f"/acc_{account}/settle", headers=NL)


NL: Final = {"Accept-Language": "nl"}


@pytest.mark.turn(2)
def test_no_page_in_dutch_shows_an_english_sentence(town: Town) -> None:
    untranslated, wrong, known, seen = english(), set(), set[str](), 0
    for name, answer in pages_in_dutch(town):
        if not answer.content or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        assert '<html lang="nl">' in answer.content.decode(), f"{name} is not in Dutch"
        seen += 1
        for text in set(Shown(answer.content.decode()).texts) - known:
            known.add(text)
            words = ENGLISH & set(re.findall(r"[a-z']+", text.lower()))
            if words or untranslated.fullmatch(text):
                wrong.add(f"{name}: {text}")
    assert seen > 50
    assert not wrong, "\n".join(sorted(wrong))
