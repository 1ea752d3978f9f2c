"""Every sentence of every page is there in Dutch, none is a guess, and no page in Dutch shows an English one."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from tests.sizes import ALL
from tests.web.routes import of_an_account, parts, routes, target
from tests.web.states import RECIPES, Town
from tests.web.visitors import visitor

SRC = Path(__file__).parents[2] / "src/arrears"
PO = SRC / "locale/nl/LC_MESSAGES/django.po"
KEYWORDS = [
    *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"),
    *("pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"),
]
ENGLISH: Final = frozenset(
    (
        *("the", "you", "your", "are", "this", "that", "please", "with", "and", "not", "have", "has", "been", "which"),
        *("when", "what", "they", "there", "cannot", "will", "from"),
    )
)
"""Words of nearly every English sentence, and of no Dutch one."""


def said_in(source: str) -> Iterator[str]:
    """The message ids of a Python source: one, or the singular and the plural."""
    for _line, _name, message, _comments in extract_python(io.BytesIO(source.encode()), KEYWORDS, [], {}):
        for one in (message,) if isinstance(message, str) else message or ():
            if isinstance(one, str) and one:
                yield one


def said_in_template(text: str) -> Iterator[str]:
    """The message ids of a template, as Django itself takes them out: every form of translate and blocktranslate."""
    from django.utils.translation.template import templatize

    yield from said_in(templatize(text).replace("\n", " "))


def said() -> Iterator[tuple[str, str]]:
    """Every message id with the file it stands in."""
    for path in sorted((SRC / "web").rglob("*")):
        if path.suffix == ".py":
            yield from ((one, path.name) for one in said_in(path.read_text("utf-8")))
        elif path.suffix == ".html":
            yield from ((one, path.name) for one in said_in_template(path.read_text("utf-8")))


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
    assert list(said_in_template(template)) == ids


def test_every_way_of_saying_something_in_python_is_seen() -> None:
    source = '_("a"); gettext_lazy("b"); ngettext("c", "d", n); pgettext("where", "e"); f(_("f" "g"))'
    assert [one for one in said_in(source) if one != "where"] == ["a", "b", "c", "d", "e", "fg"]


def catalogue() -> list[Message]:
    with PO.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def forms(words: Any) -> tuple[str, ...]:
    return tuple(words) if isinstance(words, tuple | list) else (str(words or ""),)


def test_every_message_is_translated_and_no_translation_is_a_guess(site: str) -> None:
    known: dict[str, bool] = {}
    for message in catalogue():
        assert not message.fuzzy, f"{message.id!r} is a guess"
        whole = all(forms(message.string)) and len(forms(message.string)) == len(forms(message.id))
        known.update(dict.fromkeys(forms(message.id), whole))
    found = list(said())
    assert len(found) > 60
    missing = sorted({f"{name}: {text}" for text, name in found if not known.get(text)})
    assert missing == []


def test_every_translation_names_what_the_original_names() -> None:
    """A name that is left out would leave out a sum or a day; one too many is an error when the page is shown."""
    names = re.compile(r"%\((\w+)\)s|%%")
    for message in catalogue():
        for original, words in zip(forms(message.id), forms(message.string), strict=True):
            assert sorted(set(names.findall(words))) == sorted(set(names.findall(original))), original


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


def english() -> list[re.Pattern[str]]:
    """What an untranslated sentence would look like, whatever stands in its open places."""
    found = []
    for message in catalogue():
        for original, words in zip(forms(message.id), forms(message.string), strict=True):
            open_places = re.escape(original).replace("%%", "%")
            pattern = re.sub(r"%\\\(\w+\\\)s", ".+", open_places)
            if re.search("[a-z]{3}", re.sub(r"%\(\w+\)s", "", original)) and words != original:
                found.append(re.compile(pattern))
    return found


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


def test_no_page_in_dutch_shows_an_english_sentence(town: Town) -> None:
    untranslated, wrong, seen = english(), set(), 0
    for name, answer in pages_in_dutch(town):
        if not answer.content or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        assert '<html lang="nl">' in answer.content.decode(), f"{name} is not in Dutch"
        seen += 1
        for text in Shown(answer.content.decode()).texts:
            words = ENGLISH & set(re.findall(r"[a-z']+", text.lower()))
            if words or any(pattern.fullmatch(text) for pattern in untranslated):
                wrong.add(f"{name}: {text}")
    assert seen > 50
    assert not wrong, "\n".join(sorted(wrong))
