"""Which variables each text may use, and what they hold for one message.

Everything is written out before a template sees it, so a template can only choose and place: there is no object in
it to look into, and a name that is not listed here is refused when the texts are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Protocol

from babel.core import Locale
from markupsafe import Markup

from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.messages.content import Collection, Content, DatedAction, DebtLine
from arrears.core.messages.kinds import KINDS, MessageKind
from arrears.core.payments.declines import guidance
from arrears.notices.kinds import NOTICE_KINDS
from arrears.notices.values import Form, clean, day, free, joined, listed, local_day, moment, place, same_clock, sums_of

LISTED_MAX: Final = 3
"""Names in one sentence; the lists below it hold them all."""

NUMBERS_MAX: Final = 12
"""So many invoices are named for a transfer; who pays more of them knows the list."""

_COUNTED: Final = frozenset({"count", "plural"})
_CUT: Final = frozenset({"service", "on"})
_ABOUT_DELETION: Final = (MessageKind.DELETION_WARNING, MessageKind.RETENTION_ENDS, MessageKind.DELETED)
_HELP: Final = frozenset({"operator", "support_email", "support_url"})
_NONE: Final[frozenset[str]] = frozenset()

_GRAVITY: Final = closed(
    "actions by how grave they are", Action, {Action.RESTRICT: 0, Action.DISABLE: 1, Action.DELETE: 2}
)

SHARED: Final[Mapping[str, frozenset[str]]] = {
    "greeting": frozenset({"reader"}),
    "more": _COUNTED,
    "in_days": _COUNTED,
    "invoices": _COUNTED,
    "table_caption": _NONE,
    "column_invoice": _NONE,
    "column_due": _NONE,
    "column_open": _NONE,
    "line_for": frozenset({"services"}),
    "line_part_paid": _NONE,
    "line_returned": _NONE,
    "total": _NONE,
    "will_restrict": _CUT,
    "will_disable": _CUT,
    "will_delete": _CUT,
    "will_collect": frozenset({"on", "amount", "card"}),
    "was_restricted": _CUT,
    "was_disabled": _CUT,
    "was_deleted": _CUT,
    "kept_until": frozenset({"kept_until"}),
    "not_touched": frozenset({"others"}),
    "means_restrict": _NONE,
    "means_disable": frozenset({"never_deleted"}),
    "if_paid": frozenset({"can_pay"}),
    "if_declined": _NONE,
    "no_method": _NONE,
    "by_transfer": frozenset({"numbers", "beneficiary", "iban"}),
    "unless_paid": _NONE,
    "paid_in_time": frozenset({"on", "deadline", "action"}),
    "nothing_planned": frozenset({"nothing_follows"}),
    "checks_heading": _NONE,
    "see_button": _NONE,
    "who_can_pay": frozenset({"administrator"}),
    "pay_link_note": _NONE,
    "link_intro": _NONE,
    "help": _HELP,
    "help_paying": _HELP,
    "as_of": frozenset({"moment"}),
    "moment_in_zone": frozenset({"moment", "account_zone"}),
    "zone_note": frozenset({"account_zone"}),
    "reason_administrator": frozenset({"account", "operator"}),
    "reason_reader": frozenset({"account", "operator"}),
    "reason_technical": frozenset({"account", "operator"}),
}
"""The pieces that several kinds use, and what each may use itself. `plural` is the form that the language wants for
`count` (CLDR: one, few, many, other)."""


class Wording(Protocol):
    """What a language offers here: its shared pieces, and its sentences about declines."""

    def shared(self, name: str, form: Form, **variables: object) -> str:
        """The piece, filled."""
        ...

    def about_decline(self, text: str) -> str:
        """The sentence that stands for a message id of `core.declines`."""
        ...


class Values:
    """The variables of one message in one form; each group is made when its kind has it."""

    def __init__(self, content: Content, words: Wording, locale: Locale, form: Form) -> None:
        self.content, self.words, self.locale, self.form = content, words, locale, form

    def all(self) -> dict[str, object]:
        """Every variable that the kind's texts may use."""
        content, known = self.content, NOTICE_KINDS[self.content.kind].variables
        found: dict[str, object] = self._common()
        if content.by_transfer:
            found |= self._transfer()
        if "sums" in known:
            found |= self._debts()
        if "services_sums" in known:
            found |= self._own_debts()
        if "has_actions" in known:
            found |= self._dated_actions()
        if "paid" in known:
            found["paid"] = self._sums((one.minor, one.currency) for one in content.paid)
            found["paid_count"] = len(content.paid)
        for name in ("new_address", "old_address", "request", "inviter"):
            if name in known:
                found[name] = free(getattr(content, name), self.form)
        if "card" in known:
            # Never broken over two lines: the digits alone would look like a year or a sum.
            found["card"] = free(content.card, self.form).replace(" ", "\u00a0")
        for name in ("expires_on", "effective_on", "no_deletion_until", "no_stop_until"):
            if name in known:
                on = getattr(content, name)
                found[name] = day(on, self.locale) if on else ""
        for name in ("change", "again"):
            if name in known:
                found[name] = getattr(content, name)
        if "collects" in known:
            found["collects"] = joined(map(self._collected, content.collects[:LISTED_MAX]), self.form)
        if "stays" in known:
            found |= self._off()
        if "days_left" in known:
            found["days_left"] = self.counted("in_days", content.days_left or 0)
        if "guidance" in known:
            found["guidance"] = self.words.about_decline(guidance(content.decline).text) if content.can_pay else ""
        return found

    def _collected(self, one: Collection) -> str:
        amount = self._sums([(one.minor, one.currency)])
        card = free(one.card, self.form).replace(" ", "\u00a0")
        return self.words.shared("will_collect", self.form, on=day(one.on, self.locale), amount=amount, card=card)

    def _off(self) -> dict[str, object]:
        """What no payment brings back, and a sentence for each day on which data of it is deleted."""
        days = sorted({dated.on for dated in self.content.ends})
        sentences = []
        for on in days:
            services = self.names(dated.service for dated in self.content.ends if dated.on == on)
            sentences.append(self.words.shared("will_delete", self.form, service=services, on=self.deadline(on)))
        return {
            "stays": self.names(self.content.stays),
            "stays_count": len(self.content.stays),
            "ends": joined(sentences, self.form),
        }

    def _transfer(self) -> dict[str, str]:
        """Where a transfer goes, and what it names, so that it is recognised."""
        operator = self.content.operator
        # In groups of four, as on every bank statement, and never broken over two lines.
        compact = "".join(operator.iban.split())
        groups = "\u00a0".join(compact[at : at + 4] for at in range(0, len(compact), 4))
        numbers = self.names((line.number for line in self.content.debts), most=NUMBERS_MAX)
        return {"iban": free(groups, self.form), "beneficiary": free(operator.name, self.form), "numbers": numbers}

    def counted(self, name: str, count: int) -> str:
        """A shared piece that depends on a number."""
        return self.words.shared(name, self.form, count=count, plural=self.locale.plural_form(count))

    def names(self, items: Iterable[str], most: int = LISTED_MAX) -> str:
        """ "cloud, mail, web and 2 others"; each name once."""
        every = list(dict.fromkeys(items))
        shown = [free(one, self.form) for one in every[:most]]
        rest = len(every) - len(shown)
        if rest == 1:
            shown.append(free(every[-1], self.form))
        elif rest:
            shown.append(self.counted("more", rest))
        return listed(shown, self.locale, self.form)

    def help(self) -> dict[str, str]:
        """Where to find help; in HTML as links."""
        operator = self.content.operator
        found = {"operator": free(operator.name, self.form)}
        for name, scheme, target in (
            ("support_email", "mailto:", operator.support_email),
            ("support_url", "", operator.support_url),
        ):
            line = target if target.isprintable() else clean(target)
            found[name] = _linked(scheme + line, line) if self.form is Form.HTML and line else line
        return found

    def now(self) -> str:
        """The moment for which the message speaks, in the account's zone."""
        return moment(self.content.sent_at, self.content.zone, self.locale)

    def place(self) -> str:
        """Where the account's days begin and end."""
        return place(self.content.zone, self.locale)

    @property
    def elsewhere(self) -> bool:
        """Whether the reader's clock differs from the account's, so that its days have to be told apart."""
        content = self.content
        month = (content.sent_at.year, content.sent_at.month)
        return not same_clock(content.reader.zone, content.zone, month)

    def deadline(self, on: date) -> str:
        """A day at whose end or beginning something happens; with the place where it is that day, for a reader whose
        own day ends at another time."""
        written = day(on, self.locale)
        if not self.elsewhere:
            return written
        return self.words.shared("moment_in_zone", self.form, moment=written, account_zone=self.place())

    def _sums(self, sums: Iterable[tuple[int, str]]) -> str:
        return listed(sums_of(sums, self.locale), self.locale, self.form)

    def _common(self) -> dict[str, object]:
        content = self.content
        services = tuple(dict.fromkeys(self._services()))
        return {
            "account": free(content.account_name, self.form),
            "reader": free(content.reader.name, self.form),
            "administrator": free(content.administrator, self.form),
            "can_pay": content.can_pay,
            "sent_on": local_day(content.sent_at, content.zone, self.locale),
            "services": self.names(services),
            "services_count": len(services),
            **self.help(),
        }

    def _services(self) -> Iterable[str]:
        """What the message is about: in the kinds about actions only what shares the first one's day and action, since
        the heading says both."""
        content = self.content
        if KINDS[content.kind].about_actions:
            first = self.leading()
            return (dated.service for dated in content.actions if (dated.on, dated.action) == (first.on, first.action))
        if content.services or KINDS[content.kind].paid:
            return content.services
        return (service for line in content.debts for service in line.services)

    def leading(self) -> DatedAction:
        """What the heading names, of what the kind is about: a warning that a service stops lists the deletions that
        lie ahead too, and the other way round."""
        content = self.content
        deletes = content.kind in _ABOUT_DELETION
        own = [dated for dated in content.actions if (dated.action is Action.DELETE) == deletes]
        return leading(own if own and KINDS[content.kind].about_actions else content.actions)

    def _debts(self) -> dict[str, object]:
        content = self.content
        return {
            "sums": self._sums((one.minor, one.currency) for one in content.sums),
            "sums_count": len(content.sums),
            "debts_count": len(content.debts),
            "invoices": self.counted("invoices", len(content.debts)),
            "debts_are": _alike(content.debts),
            "due_on": day(min(line.due_on for line in content.debts), self.locale) if content.debts else "",
        }

    def _own_debts(self) -> dict[str, object]:
        """What is owed for the services that the heading names; all of it where no invoice says what it is for."""
        named, sums = set(self._services()), dict[str, int]()
        own = [line for line in self.content.debts if not line.services or not named.isdisjoint(line.services)]
        for line in own or self.content.debts:
            sums[line.currency] = sums.get(line.currency, 0) + line.open_minor
        found = self._sums((minor, currency) for currency, minor in sorted(sums.items()))
        return {"services_sums": found, "services_sums_count": len(sums)}

    def _dated_actions(self) -> dict[str, object]:
        actions: tuple[DatedAction, ...] = self.content.actions
        kinds = {dated.action for dated in actions}
        first = self.leading() if actions else None
        # What saves everything that is listed is paying by the earliest day of all.
        soonest = leading(actions) if actions else None
        in_time = (
            {}
            if soonest is None
            else {
                "on": day(soonest.on, self.locale),
                "deadline": self.deadline(soonest.on),
                "action": str(soonest.action),
            }
        )
        return {
            "has_actions": bool(actions),
            "on": day(first.on, self.locale) if first else "",
            "deadline": self.deadline(first.on) if first else "",
            "action": str(first.action) if first else "",
            "paid_in_time": self.words.shared("paid_in_time", self.form, **in_time) if in_time else "",
            "has_restrict": Action.RESTRICT in kinds,
            "has_disable": Action.DISABLE in kinds,
            "means_restrict": self.words.shared("means_restrict", self.form),
            "means_disable": self.words.shared("means_disable", self.form, never_deleted=self.content.never_deleted),
        }


def leading(actions: Iterable[DatedAction]) -> DatedAction:
    """What a heading names: of the earliest day the gravest."""
    return min(actions, key=lambda dated: (dated.on, -_GRAVITY[dated.action]))


def _alike(lines: Iterable[DebtLine]) -> str:
    """What all these debts have in common: unpaid, part_paid or returned; mixed where they have nothing."""
    found = {"returned" if line.returned else "part_paid" if line.part_paid else "unpaid" for line in lines}
    return found.pop() if len(found) == 1 else "mixed"


def _linked(target: str, shown: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(target, shown)
