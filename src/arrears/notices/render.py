"""From content to a message that can be sent: subject, plain text and HTML, in the reader's language.

Loading does all the work that can fail: it reads, merges, checks and compiles every text, and fills each once with
the samples. What was loaded then renders without surprises.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from babel.core import Locale

from arrears.core.messages.content import Content
from arrears.notices.languages import DEFAULT_LANGUAGE
from arrears.notices.layout import load_layout
from arrears.notices.page import Page, page
from arrears.notices.plain import plain_text
from arrears.notices.samples import samples
from arrears.notices.templates import PageTemplate
from arrears.notices.texts import LanguageTexts, load_languages
from arrears.notices.values import FALLBACK_LOCALE, NOT_TEXT, Form, formats_of, locale_of

_PARTS = tuple(field.name for field in fields(Page))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished message. `subject` is one line without control characters; `language` is a code like "nl"."""

    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class Texts:
    """Every language, and the layout, ready to use; immutable, so one serves all threads."""

    languages: Mapping[str, LanguageTexts]
    layout: PageTemplate

    def render(self, content: Content) -> Rendered:
        """The message in the language of the content's locale, or in English where we do not have that language.
        Sums and days are written as that locale does."""
        words, locale = self._language(content.locale)
        plain = page(content, words, locale, Form.PLAIN)
        rich = page(content, words, locale, Form.HTML)
        variables = {name: getattr(rich, name) for name in _PARTS}
        subject = _one_line(plain.subject)
        html = self.layout.fill(
            variables | {"subject": subject, "language": str(locale).replace("_", "-"), **_sides(locale.text_direction)}
        )
        return Rendered(subject, plain_text(plain), html, words.code)

    def _language(self, name: str) -> tuple[LanguageTexts, Locale]:
        locale = locale_of(name)
        if locale is not None and locale.language in self.languages:
            return self.languages[locale.language], formats_of(locale.language, name)
        return self.languages[DEFAULT_LANGUAGE], Locale.parse(FALLBACK_LOCALE)


def load_texts(folder: Path | None = None, begun: Collection[str] = ()) -> Texts:
    """Our texts, with what the operator's folder changes: `<language>.toml` files and `layout.mjml`, each optional.
    Languages in `begun` may be incomplete (see `load_languages`).

    Refuses `bad_template` with the file, the line where there is one, the text and the variable.
    """
    texts = Texts(load_languages(folder, begun), load_layout(folder))
    for code in texts.languages:
        for sample in samples(code):
            texts.render(sample)
    return texts


def _sides(direction: str) -> dict[str, str]:
    """Which side a line starts on and ends at: mail readers know no `text-align: start`."""
    start, end = ("left", "right") if direction == "ltr" else ("right", "left")
    return {"direction": direction, "start": start, "end": end}


def _one_line(text: str) -> str:
    """As a head line of a mail needs it: no line end, no control character, single plain spaces."""
    return "".join(char for char in " ".join(text.split()) if unicodedata.category(char) not in NOT_TEXT)
