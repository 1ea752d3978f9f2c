"""A template that cannot surprise: sandboxed, checked whole when it is loaded, escaped where it makes HTML.

Operators write these. What is wrong with one must come out when it is loaded, not on the day on which it is first
needed, and no template may turn a customer's name into markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from arrears.core.errors import Refused
from arrears.notices.values import Form

_NOT_IN_A_PAGE: Final = (nodes.Call, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
"""What not even the layout has a use for: calling, and reading other files."""

_NOT_IN_A_TEXT: Final = (*_NOT_IN_A_PAGE, nodes.Getattr, nodes.Getitem, nodes.For)
"""What a text has no use for either, since its variables are finished pieces: looking into them, and repeating."""

_RAW: Final = ("safe", "forceescape", "xmlattr", "tojson", "urlize", "pprint")
"""Filters that would let a name become markup, or show what no reader should see."""

_KEPT_MAX: Final = 4096
"""How many sources are remembered as compiled: a language has about four hundred, and an operator changes few."""


def _environment(form: Form) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=form is Form.HTML, trim_blocks=False, keep_trailing_newline=False
    )
    made.globals.clear()
    for name in _RAW:
        made.filters.pop(name, None)
    return made


_ENVIRONMENTS: Final = tuple(_environment(form) for form in Form)


def refused(where: str, why: str) -> Refused:
    """What is wrong with a template, and where."""
    return Refused("bad_template", f"{where} {why}")


class Fragment:
    """One piece of text as the two templates that it stands for. Refuses `bad_template`, naming `where`: a broken
    syntax, a variable that is not in `known`, and whatever a text has no use for."""

    __slots__ = ("_plain_parts", "_source", "_templates", "where")

    def __init__(self, source: str, where: str, known: frozenset[str]) -> None:
        self.where, self._source = where, source
        self._plain_parts = _parts(source)
        # In words and known variables there is nothing else to find, and compiling hundreds of them takes a second.
        if self._plain_parts is None or not known.issuperset(text for named, text in self._plain_parts if named):
            _check(source, where, known, _NOT_IN_A_TEXT)
        self._templates: tuple[Template, ...] = ()

    def fill(self, form: Form, variables: Mapping[str, object]) -> str:
        """The text; in HTML as `Markup`. Refuses `bad_template` for what shows only when it is filled."""
        if self._plain_parts is not None and (known := _put_together(self._plain_parts, form, variables)) is not None:
            return known
        self._templates = self._templates or tuple(_compiled(self._source, form) for form in Form)
        text = _filled(self._templates[form], self.where, variables)
        return Markup(text) if form is Form.HTML else text


@lru_cache(_KEPT_MAX)
def _compiled(source: str, form: Form) -> Template:
    environment = _ENVIRONMENTS[form]
    return environment.from_string(_escaped(environment.parse(source)) if environment.autoescape else source)


Parts = tuple[tuple[bool, str], ...]


@lru_cache(_KEPT_MAX)
def _parts(source: str) -> Parts | None:
    """A text that is words and variables alone, as (whether it is a variable, the word or its name); None for one that
    decides something. Most are that simple, and a template engine takes ten times as long for them."""
    found: list[tuple[bool, str]] = []
    try:
        body = _ENVIRONMENTS[Form.PLAIN].parse(source).body
    except TemplateSyntaxError:
        return None
    for node in body:
        if not isinstance(node, nodes.Output):
            return None
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                found.append((False, one.data))
            elif isinstance(one, nodes.Name):
                found.append((True, one.name))
            else:
                return None
    return tuple(found)


def _put_together(parts: Parts, form: Form, variables: Mapping[str, object]) -> str | None:
    """What the template would make of it; None where a variable is missing, which the template says better."""
    try:
        if form is Form.HTML:
            return Markup("").join(escape(variables[text] if named else text) for named, text in parts)
        return "".join(str(variables[text]) if named else text for named, text in parts)
    except KeyError:
        return None


class PageTemplate:
    """A whole HTML page with loops and parts, for the layout. Refuses `bad_template` for what no longer is one."""

    __slots__ = ("_template", "where")

    def __init__(self, source: str, where: str) -> None:
        self.where = where
        try:
            self._template = _ENVIRONMENTS[Form.HTML].from_string(source)
        except TemplateSyntaxError as error:
            raise refused(where, f"is not a template any more when it is HTML: {error.message}") from error

    def fill(self, variables: Mapping[str, object]) -> str:
        """The page."""
        return _filled(self._template, self.where, variables)


def check_page(source: str, where: str, known: frozenset[str]) -> None:
    """Refuses `bad_template`, with the line, for what `Fragment` refuses; loops and parts of variables are allowed."""
    _check(source, where, known, _NOT_IN_A_PAGE, lines=True)


def _filled(template: Any, where: str, variables: Mapping[str, object]) -> str:
    try:
        text: str = template.render(variables)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise refused(where, f"cannot be filled: {error}") from error
    return text


@lru_cache(_KEPT_MAX)
def _check(
    source: str, where: str, known: frozenset[str], banned: tuple[type[nodes.Node], ...], *, lines: bool = False
) -> None:
    """With `lines` the template is a whole file, and what is wrong is on a line of it."""

    def at(line: int) -> str:
        return f"{where}:{line}:" if lines else where

    environment = _ENVIRONMENTS[Form.HTML]
    try:
        tree = environment.parse(source)
        # Filters and tests that do not exist come out only here.
        environment.compile(tree)
    except TemplateSyntaxError as error:
        raise refused(at(error.lineno), f"is not a template: {error.message}") from error
    # Compiling has changed the tree, and lets pass below an `if` what does not exist.
    tree = environment.parse(source)
    for kind, names in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for used in tree.find_all(kind):
            if used.name not in names:
                raise refused(at(used.lineno), f"is not a template: No {kind.__name__.lower()} named {used.name!r}")
    for name in sorted(find_undeclared_variables(tree) - known):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
        may = ", ".join(sorted(known)) or "no variables"
        raise refused(at(line), f"uses {{{{ {name} }}}}, which it does not have; it may use {may}")
    unwanted: tuple[type[nodes.Node], ...] = (*banned, nodes.ScopedEvalContextModifier)
    for node in tree.find_all(unwanted):
        why = f"uses {_NAMES.get(type(node), 'what no text needs')}; use its variables as they are"
        raise refused(at(node.lineno), why)


_NAMES: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Getattr: "a part of a variable (a dot)",
    nodes.Getitem: "a part of a variable (brackets)",
    nodes.Call: "a call (parentheses)",
    nodes.For: "a loop",
    nodes.ScopedEvalContextModifier: "a switch for escaping",
}


def _escaped(tree: nodes.Template) -> nodes.Template:
    """The template with its own words escaped too: "R&D" and "<" in a text are letters, not markup."""
    for node in tree.find_all(nodes.TemplateData):
        node.data = str(escape(node.data))
    return tree
