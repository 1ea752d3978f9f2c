"""What a page offers: its buttons, each with the form that it would send, as a browser without scripts sends it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import urljoin


class Offer(NamedTuple):
    """A button that can be pressed: what it says, where its form goes, and what that carries."""

    says: str
    action: str
    fields: dict[str, list[str]]

    @property
    def do(self) -> str:
        """Which of the page's acts it asks for."""
        return self.fields.get("do", [""])[-1]

    def number(self, name: str) -> int:
        """The number of the thing that the form names; 0 for none."""
        text = self.value(name)
        return int(text) if text.isdecimal() else 0

    def value(self, name: str) -> str:
        """What one field carries; "" for none."""
        return self.fields.get(name, [""])[-1]


class _Button(NamedTuple):
    name: str
    value: str
    said: list[str]


class _Form(NamedTuple):
    action: str
    fields: dict[str, list[str]]
    radios: list[tuple[str, str]]
    buttons: list[_Button]
    asked_for: list[bool]


class _Page(HTMLParser):
    """The forms of `main`: what they carry, which radio buttons may be chosen, which buttons pressed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._main = False
        self._form: _Form | None = None
        self._button: _Button | None = None
        self._select: tuple[str, list[str]] = ("", [])
        self._option = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._main |= tag == "main"
        if tag == "form" and self._main:
            self._form = _Form(found.get("action", ""), {}, [], [], [])
        elif self._form is not None:
            self._inside(self._form, tag, found)

    def _inside(self, form: _Form, tag: str, found: dict[str, str]) -> None:
        kind, name = found.get("type", "text"), found.get("name", "")
        if tag == "input" and kind == "radio":
            form.asked_for.append(True)
            if "disabled" not in found:
                form.radios.append((name, found.get("value", "")))
        elif tag == "input" and kind != "checkbox" and name:
            form.fields.setdefault(name, []).append(found.get("value", ""))
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and ("selected" in found or not self._select[1]):
            self._select[1][:] = [found["value"]] if "value" in found else []
            self._option = "value" not in found
        elif tag == "button" and "disabled" not in found:
            self._button = _Button(name, found.get("value", ""), [])
            form.buttons.append(self._button)

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.said.append(data)
        if self._option:
            self._select[1].append(data.strip())
            self._option = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._main = False
        elif tag == "button":
            self._button = None
        elif tag == "select" and self._form is not None:
            self._form.fields[self._select[0]] = self._select[1]
        elif tag == "form" and self._form is not None:
            self.forms.append(self._form)
            self._form = None


def offers(answer: Any, path: str) -> list[Offer]:
    """Every button of the page itself that is not disabled; of radio buttons, one offer for each that may be chosen."""
    found = []
    for form in _Page(answer.content.decode()).forms:
        action = urljoin(path, form.action or path)
        for button in form.buttons:
            says = " ".join("".join(button.said).replace("\u00a0", " ").split())
            own = {button.name: [button.value]} if button.name else {}
            if not form.asked_for:
                found.append(Offer(says, action, {**form.fields, **own}))
            found += [Offer(says, action, {**form.fields, name: [value], **own}) for name, value in form.radios]
    return found
