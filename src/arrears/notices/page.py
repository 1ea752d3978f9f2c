"""The parts of one message in the order in which they are read, already in words; the same for plain text and HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from babel.core import Locale

from arrears.core.account import Action
from arrears.core.messages.content import Content, DatedAction, DebtLine
from arrears.core.messages.kinds import KINDS, Actor, Announces, Dated
from arrears.core.money import format_amount
from arrears.core.payments.declines import guidance
from arrears.notices.templates import Fragment
from arrears.notices.texts import LanguageTexts
from arrears.notices.values import IDENTITY_CHARS_MAX, Form, day, free, joined
from arrears.notices.variables import Values


@dataclass(frozen=True, slots=True)
class Row:
    """One invoice of the list: number, what it is for ("for cloud"), due day, open amount."""

    number: str
    services: str
    due: str
    open: str


@dataclass(frozen=True, slots=True)
class Table:
    """The list of debts: its headings, its rows, and one total per currency."""

    caption: str
    invoice: str
    due: str
    open: str
    total: str
    rows: tuple[Row, ...]
    totals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One message in one form. Lists may be empty, and their headings are where they are; `table` is None where
    nothing is owed. What to do comes before the details, so that a phone shows the button early."""

    subject: str
    preheader: str
    operator: str
    heading: str
    greeting: str
    paragraphs: tuple[str, ...]
    checks_heading: str
    checks: tuple[str, ...]
    actions_heading: str
    actions: tuple[str, ...]
    next: tuple[str, ...]
    button: str
    link: str
    table: Table | None
    notes: tuple[str, ...]
    help: str
    link_intro: str
    footer: tuple[str, ...]


def page(content: Content, words: LanguageTexts, locale: Locale, form: Form) -> Page:
    """The message in the words of a language. Refuses `bad_template` for a text that cannot be filled."""
    values = Values(content, words, locale, form)
    variables = values.all()
    texts = words.kinds[content.kind]

    def filled(fragments: tuple[Fragment, ...]) -> tuple[str, ...]:
        return tuple(text for one in fragments if (text := one.fill(form, variables)).strip())

    def piece(name: str) -> str:
        return words.shared(name, form, **variables)

    spec = KINDS[content.kind]
    acts = content.can_pay or spec.actor is Actor.READER
    # A receipt of everything has no day to say, and nobody asked whether something is still to come.
    # Nor is nothing planned where data goes that no payment keeps: the text says its day.
    ahead = spec.dated is Dated.PLANNED and bool(content.actions or (content.debts and not content.ends))
    nothing_planned = words.shared("nothing_planned", form, nothing_follows=content.nothing_follows)
    checks = _checks(content, words)
    reason = texts.reason.fill(form, variables) if texts.reason else piece(f"reason_{content.reader.role}")
    return Page(
        subject=texts.subject.fill(form, variables),
        preheader=texts.preheader.fill(form, variables),
        operator=free(content.operator.name, form),
        heading=texts.heading.fill(form, variables),
        greeting=piece("greeting"),
        paragraphs=filled(texts.paragraphs),
        checks_heading=piece("checks_heading") if checks else "",
        checks=checks,
        actions_heading=piece("unless_paid") if ahead and content.actions else "",
        actions=tuple(_dated(dated, spec.dated is Dated.PAST, values) for dated in content.actions),
        next=(
            *([piece("paid_in_time") if content.actions else nothing_planned] if ahead else ()),
            *(_later(content, values) if content.later else ()),
            *filled(texts.next),
        ),
        button=texts.button.fill(form, variables) if acts else piece("see_button"),
        link=content.link,
        table=_table(content, values) if content.debts else None,
        notes=tuple(piece(name) for name in _notes(content)),
        help=piece("help_paying" if spec.asks_for_money and content.can_pay else "help"),
        link_intro=piece("link_intro"),
        footer=tuple(_footer(content, values, reason)),
    )


def _checks(content: Content, words: LanguageTexts) -> tuple[str, ...]:
    """What to ask the bank, for the one who can do something with the answer."""
    if not KINDS[content.kind].declined or not content.can_pay:
        return ()
    return tuple(words.about_decline(check) for check in guidance(content.decline).checks)


def _notes(content: Content) -> Iterator[str]:
    """The shared remarks below the button, most useful first."""
    spec = KINDS[content.kind]
    if spec.actor is Actor.ADMINISTRATOR and not content.can_pay:
        yield "who_can_pay"
    if content.link_is_pay:
        yield "pay_link_note"
    if spec.asks_for_money:
        if content.can_pay and content.by_transfer:
            yield "by_transfer"
        yield "if_paid"
        if content.can_pay and not content.by_transfer and not spec.charged:
            yield "no_method" if content.no_method else "if_declined"
    elif content.can_pay and content.debts and (spec.announces is Announces.DEBT or spec.dated is Dated.PLANNED):
        if content.by_transfer:
            yield "by_transfer"
        elif content.no_method:
            yield "no_method"


def _footer(content: Content, values: Values, reason: str) -> Iterator[str]:
    words, form = values.words, values.form
    now, where = values.now(), values.place()
    if content.operator.identity:
        yield free(content.operator.identity, form, IDENTITY_CHARS_MAX)
    named = words.shared("moment_in_zone", form, moment=now, account_zone=where)
    yield words.shared("as_of", form, moment=named)
    if values.elsewhere:
        yield words.shared("zone_note", form, account_zone=where)
    yield reason


def _later(content: Content, values: Values) -> tuple[str, ...]:
    """What is still to happen to other services, where something has happened to one."""
    sentences = (_dated(dated, False, values) for dated in content.later)
    return (joined([values.words.shared("unless_paid", values.form), *sentences], values.form),)


def _dated(dated: DatedAction, is_past: bool, values: Values) -> str:
    """What happens to one service, or happened; then what is kept, and what it does not touch."""
    words, form, locale = values.words, values.form, values.locale
    match dated.action:
        case Action.RESTRICT:
            name = "was_restricted" if is_past else "will_restrict"
        case Action.DISABLE:
            name = "was_disabled" if is_past else "will_disable"
        case Action.DELETE:
            # A deletion that was announced and has not been done is still ahead, whatever its date.
            name = "was_deleted" if is_past else "will_delete"
    on = day(dated.on, locale) if is_past else values.deadline(dated.on)
    parts = [words.shared(name, form, service=free(dated.service, form), on=on)]
    if dated.kept_until is not None:
        parts.append(words.shared("kept_until", form, kept_until=day(dated.kept_until, locale)))
    if dated.others:
        parts.append(words.shared("not_touched", form, others=values.names(dated.others)))
    return joined(parts, form)


def _table(content: Content, values: Values) -> Table:
    words, form, locale = values.words, values.form, values.locale

    def about(line: DebtLine) -> str:
        found = [words.shared("line_for", form, services=values.names(line.services))] if line.services else []
        if line.returned or line.part_paid:
            found.append(words.shared("line_returned" if line.returned else "line_part_paid", form))
        return joined(found, form, ", ")

    return Table(
        caption=words.shared("table_caption", form),
        invoice=words.shared("column_invoice", form),
        due=words.shared("column_due", form),
        open=words.shared("column_open", form),
        total=words.shared("total", form),
        rows=tuple(
            Row(
                free(line.number, form),
                about(line),
                # May be broken over two lines here: a phone has no room for three columns otherwise.
                day(line.due_on, locale).replace("\u00a0", " "),
                format_amount(line.open_minor, line.currency, str(locale)),
            )
            for line in content.debts
        ),
        totals=tuple(format_amount(one.minor, one.currency, str(locale)) for one in content.sums),
    )
