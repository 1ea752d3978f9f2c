"""Every sentence of every page is there in Dutch, and none is a guess."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_python
from babel.messages.pofile import read_po

SRC = Path(__file__).parents[2] / "src/arrears"
PO = SRC / "locale/nl/LC_MESSAGES/django.po"
KEYWORDS = ["gettext", "gettext_lazy", "ngettext", "_"]


TRANSLATE = re.compile(r"""\{% translate (?:"([^"]*)"|'([^']*)')""")
BLOCK = re.compile(r"\{% blocktranslate[^%]*%\}(.*?)\{% endblocktranslate %\}", re.DOTALL)


def said() -> Iterator[tuple[str, str]]:
    """Every message id with the file it stands in."""
    for path in sorted((SRC / "web").rglob("*")):
        if path.suffix == ".py":
            for _line, _name, message, _comments in extract_python(io.BytesIO(path.read_bytes()), KEYWORDS, [], {}):
                for one in (message,) if isinstance(message, str) else message or ():
                    if isinstance(one, str) and one:
                        yield one, path.name
        elif path.suffix == ".html":
            text = path.read_text("utf-8")
            for double, single in TRANSLATE.findall(text):
                yield double or single, path.name
            for block in BLOCK.findall(text):
                for one in block.split("{% plural %}"):
                    yield re.sub(r"\{\{ *(\w+) *\}\}", r"%(\1)s", one), path.name


def test_every_message_is_translated_and_no_translation_is_a_guess(site: str) -> None:
    with PO.open("rb") as file:
        catalogue = read_po(file)
    known = {}
    for message in catalogue:
        assert not message.fuzzy or not message.id, f"{message.id!r} is a guess"
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        known.update(dict.fromkeys(ids, message.string))
    found = list(said())
    assert len(found) > 60
    missing = sorted({f"{name}: {text}" for text, name in found if not known.get(text)})
    assert missing == []
