"""XML of a bank, read without its dangers: no DOCTYPE, so no entity can be declared or fetched, and no piece so large
that reading it takes long. What is asked for is handed over as it ends, so that a large file needs little memory.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection
from typing import Final
from xml.parsers import expat

from arrears.core.errors import Refused

TOKEN_MAX: Final = 1 << 20
"""A tag, with its attributes, or a text longer than this is none of a bank."""
DEPTH_MAX: Final = 60
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INCLUDE: Final = "http://www.w3.org/2001/XInclude"


class Element:
    """One element: its name without its namespace, its attributes, the text directly in it, and what is in it."""

    __slots__ = ("attributes", "inside", "name", "pieces")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.pieces: list[str] = []
        self.inside: list[Element] = []

    @property
    def text(self) -> str:
        """Its own text, on one line."""
        return " ".join("".join(self.pieces).split())

    def all(self, path: str) -> list[Element]:
        """Every element at this path, names with "/" between them, in order."""
        found = [self]
        for name in path.split("/"):
            found = [inner for one in found for inner in one.inside if inner.name == name]
            if not found:
                break
        return found

    def first(self, *paths: str) -> Element | None:
        """The first element at the first of these paths that has one."""
        return next((one for path in paths for one in self.all(path)), None)

    def said(self, *paths: str) -> str:
        """The text of the first element at these paths that has one; empty where none has."""
        for path in paths:
            for one in self.all(path):
                if one.pieces and (text := one.text):
                    return text
        return ""


def read_xml(content: bytes, handed_over: Collection[str], hand_over: Callable[[Element], None]) -> tuple[str, Element]:
    """The namespace and the root of a document. Each element of these names is handed over when it ends, and not kept.
    Refuses `doctype`, `token_too_large`, `not_xml`."""
    content = _narrow(content)
    _refuse_dangers(content)
    reader = _Reader(handed_over, hand_over)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        where = f"line {error.lineno}"
        raise Refused("not_xml", f"{where}: it is not well-formed XML ({expat.ErrorString(error.code)})") from None
    except (LookupError, ValueError) as error:
        raise Refused("not_xml", f"it is not XML in an encoding that is known here ({str(error)[:80]})") from None
    assert reader.root is not None, "a well-formed document has one"
    return reader.namespace, reader.root


def _narrow(content: bytes) -> bytes:
    """The same in UTF-8 where it is in UTF-16, so that what must not be there is seen."""
    if not content.startswith(_WIDE):
        return content
    try:
        text = content.decode("utf-16")
    except UnicodeDecodeError:
        raise Refused("not_xml", "it begins as UTF-16 and is not") from None
    return re.sub(r"^<\?xml[^>]*\?>", "", text).encode("utf-8", "replace")


def _refuse_dangers(content: bytes) -> None:
    if _DOCTYPE.search(content):
        raise Refused("doctype", "it has a DOCTYPE or an entity, which no bank sends; it was not read")
    at = 0
    while (after := content.find(b"<", at + 1)) != -1 or at < len(content):
        end = len(content) if after == -1 else after
        if end - at > TOKEN_MAX:
            raise Refused("token_too_large", f"a piece of it is larger than {TOKEN_MAX} bytes, which no bank sends")
        at = end


class _Reader:
    def __init__(self, handed_over: Collection[str], hand_over: Callable[[Element], None]) -> None:
        self.root: Element | None = None
        self.namespace = ""
        self._open: list[Element] = []
        self._handed_over, self._hand_over = handed_over, hand_over
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise Refused("doctype", "it has a DOCTYPE, which no bank sends; it was not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace == _INCLUDE:
            raise Refused("doctype", "it includes another file, which no bank does; it was not read")
        element = Element(local, attributes)
        if self._open:
            self._open[-1].inside.append(element)
        else:
            self.root, self.namespace = element, namespace
        self._open.append(element)
        if len(self._open) > DEPTH_MAX:
            raise Refused("not_xml", f"it is nested more than {DEPTH_MAX} deep, which no bank's file is")

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if element.name in self._handed_over and self._open:
            self._open[-1].inside.pop()
            self._hand_over(element)

    def _text(self, text: str) -> None:
        if self._open and text:
            self._open[-1].pieces.append(text)
