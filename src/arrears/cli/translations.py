"""What a language still lacks, and how its files begin: the texts of messages and the catalogue of the pages.

The pages' sentences are taken from their source as Django takes them, without GNU gettext.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from arrears.core.errors import Refused
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.notices.texts import every_key, load_languages
from arrears.notices.values import locale_of

SOURCE: Final = Path(__file__).parents[1]

_ONE, _TWO = None, (1, 2)
KEYWORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), _ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), _TWO),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
"""How a sentence is said in Python, and which arguments it is."""

NAMED: Final = re.compile(r"%\(\w+\)s|%%")
"""What a sentence has filled in, and a percent sign beside it."""

Sentence = tuple[str | tuple[str, ...], str | None]
"""A message id (singular and plural where it counts something) and its context."""


def said_in(source: str) -> Iterator[Sentence]:
    """The sentences of a Python source."""
    for _line, ids, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        yield ids, context


def said_in_template(text: str) -> Iterator[Sentence]:
    """The sentences of a template, as Django itself takes them out: every form of translate and blocktranslate."""
    from django.utils.translation.template import templatize

    yield from said_in(templatize(text).replace("\n", " "))


def said() -> Iterator[tuple[Sentence, str]]:
    """Every sentence of the pages with the file it stands in."""
    for path in sorted((SOURCE / "web").rglob("*")):
        read = {".py": said_in, ".html": said_in_template}.get(path.suffix)
        if read is not None:
            yield from ((one, path.name) for one in read(path.read_text("utf-8")))


def catalogue_path(code: str, root: Path = SOURCE) -> Path:
    """Where the pages' words in a language stand."""
    return root / "locale" / code / "LC_MESSAGES" / "django.po"


def texts_path(code: str, root: Path = SOURCE) -> Path:
    """Where the messages' words in a language stand."""
    return root / "notices" / "texts" / f"{code}.toml"


def missing(code: str, root: Path = SOURCE) -> list[str]:
    """Everything that a language lacks, one line each: texts first, then sentences of the pages."""
    found = _missing_texts(texts_path(code, root))
    return found if code == DEFAULT_LANGUAGE else [*found, *_missing_sentences(catalogue_path(code, root))]


def begun(root: Path = SOURCE) -> list[str]:
    """The languages that are spoken, and those whose files were begun."""
    texts = (path.stem for path in (root / "notices" / "texts").glob("*.toml"))
    return sorted({*LANGUAGES, *texts, *(path.name for path in (root / "locale").iterdir())})


def misnamed(code: str, root: Path = SOURCE) -> list[str]:
    """Each sentence of the pages that names something else than the original does, one line each. A name too many is an
    error when the page is shown, and one that is left out leaves out a sum or a day."""
    path = catalogue_path(code, root)
    return list(_misnamed(path)) if path.exists() else []


def _misnamed(path: Path) -> Iterator[str]:
    catalogue = read_catalogue(path)
    for message in catalogue:
        if not message.id:
            continue
        originals, words = _forms(message.id), _forms(message.string)
        for number, text in enumerate(words):
            original = originals[min(number, len(originals) - 1)]
            said, wanted = set(NAMED.findall(text)), set(NAMED.findall(original))
            # In a form for one alone the number may be a word.
            if text and said != wanted and not (number == 0 < len(words) - 1 and said < wanted):
                names = ", ".join(sorted(said)) or "nothing", ", ".join(sorted(wanted)) or "nothing"
                where = f"{path.parts[-3]}/django.po: {original!r}"
                yield f"{where} is translated with {names[0]}; the original has {names[1]}"


def check_catalogues(root: Path = SOURCE) -> None:
    """See that the sentences of each language, begun or whole, name what the originals name. Refuses `bad_template`."""
    for code in begun(root):
        for wrong in misnamed(code, root):
            raise Refused("bad_template", wrong)


def check_begun(root: Path = SOURCE) -> None:
    """Fill what texts there are of each language that is only begun with examples, as those of a language that is
    spoken are: what is wrong in them would else be found on the day on which it is named. What it lacks is English.
    Refuses `bad_template`."""
    codes = [code for code in begun(root) if code not in LANGUAGES and texts_path(code, root).exists()]
    if not codes:
        return
    from arrears.notices.layout import load_layout
    from arrears.notices.render import Texts
    from arrears.notices.samples import samples

    texts = Texts(load_languages(texts_path(DEFAULT_LANGUAGE, root).parent, codes), load_layout(None))
    for code in codes:
        for sample in samples(code):
            texts.render(sample)


def _missing_texts(path: Path) -> list[str]:
    if not path.exists():
        return [f"{path.name} is not there"]
    raw = tomllib.loads(path.read_text("utf-8"))
    return [
        f"{path.name}: [{table}] {key}" if table else f"{path.name}: {key}"
        for table, key in every_key()
        if key not in (raw.get(table, {}) if table else raw)
        and not (table == "guidance" and path.stem == DEFAULT_LANGUAGE)
    ]


def _missing_sentences(path: Path) -> list[str]:
    if not path.exists():
        return [f"{path.parts[-3]}/django.po is not there"]
    catalogue = read_catalogue(path)
    known = {(_first(one.id), one.context) for one in catalogue if one.id and is_whole(one, catalogue)}
    lacking = {(_first(ids), name) for (ids, context), name in said() if (_first(ids), context) not in known}
    return [f"{path.parts[-3]}/django.po: {name}: {text}" for text, name in sorted(lacking, key=lambda one: one[::-1])]


def read_catalogue(path: Path) -> Catalog:
    """The catalogue of one language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], domain="django")


def is_whole(message: Message, catalogue: Catalog) -> bool:
    """Whether a sentence has every form that the language wants, and none is a guess."""
    words = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    wanted = catalogue.num_plurals if isinstance(message.id, tuple | list) else 1
    return not message.fuzzy and len(words) == wanted and all(words)


def compiled(path: Path) -> bytes:
    """What Django reads instead of this catalogue."""
    catalogue, out = read_catalogue(path), io.BytesIO()
    catalogue.creation_date = datetime(2000, 1, 1, tzinfo=UTC)  # else it would differ each time
    write_mo(out, catalogue)
    return out.getvalue()


def compile_catalogues(codes: Iterable[str], root: Path = SOURCE) -> None:
    """Write what Django reads beside each catalogue that is there."""
    for code in codes:
        path = catalogue_path(code, root)
        if path.exists():
            path.with_suffix(".mo").write_bytes(compiled(path))


def begin(code: str, root: Path = SOURCE) -> tuple[Path, Path]:
    """Write both files of a new language, without words. Refuses `unknown_language` and `already_there`."""
    locale = locale_of(code)
    if locale is None or locale.language != code:
        raise Refused("unknown_language", f"{code[:20]!r} is not the code of a language; write it like de")
    paths = texts_path(code, root), catalogue_path(code, root)
    for path in paths:
        if path.exists() or code in LANGUAGES:
            raise Refused("already_there", f"{path} is there already; nothing was written")
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(_skeleton(locale.get_language_name(code) or code), encoding="utf-8")
        paths[1].write_bytes(_empty_catalogue(locale))
    except OSError as error:
        raise Refused("unwritable_folder", f"{error.filename}: cannot be written ({error.strerror})") from None
    return paths


def _empty_catalogue(locale: Locale) -> bytes:
    """Every sentence of the pages, each without its translation."""
    catalogue = Catalog(locale=locale, domain="django", fuzzy=False)
    for (ids, context), _name in said():
        catalogue.add(ids, context=context)
    out = io.BytesIO()
    out.write(_HEADER.format(language=locale.language, plural_forms=catalogue.plural_forms).encode())
    write_po(out, catalogue, omit_header=True, width=0)
    return out.getvalue()


_HEADER: Final = r"""msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plural_forms}\n"

"""


def _skeleton(name: str) -> str:
    """The English file with every text commented out, and the sentences about declines below it."""
    lines = ["# Translate each line, take the # off it, and see what is left with `make translations`.", ""]
    body = texts_path(DEFAULT_LANGUAGE).read_text("utf-8")
    for line in body[body.index("language = ") :].splitlines():
        keep = not line.strip() or line.startswith(("[", "#"))
        lines.append(f'language = "{name}"' if line.startswith("language = ") else line if keep else f"# {line}")
    sentences = [_quoted(key) for table, key in every_key() if table == "guidance"]
    return "\n".join([*lines, "", "[guidance]", *(f"# {one} = {one}" for one in sentences), ""])


def _quoted(text: str) -> str:
    assert '"' not in text, text
    assert "\\" not in text, text
    return f'"{text}"'


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _first(ids: str | tuple[str, ...] | list[str]) -> str:
    return ids if isinstance(ids, str) else ids[0]
