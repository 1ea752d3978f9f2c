"""Policies in the console: read by everybody, edited as text by who administers it, and never put in force before what
that changes was seen: key by key, and on the live book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from babel.numbers import format_decimal
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.dry_run import DAYS, ActionCount, DryRunTotals, dry_run
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.money import format_amount
from arrears.core.people.roles import StaffAct
from arrears.core.policy import POLICY_CHARACTERS_MAX, Policy, changes_between, load_policy, policy_text, written_keys
from arrears.engine.system import adopt_policy
from arrears.notices import values
from arrears.store.postgres.dry_run import dry_run_work, due_count, due_parts
from arrears.store.postgres.policies import Adoption, adoptions
from arrears.web.account_centre.frame import READS
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.console.members import members

FORETOLD_MAX: Final = 300
"""A page foretells so many accounts, which takes a few seconds; a larger book is for `arrears policy dry-run`."""
DIFFERENCES_SHOWN: Final = 50
VERSIONS_SHOWN: Final = 50
WHY_CHARACTERS_MAX: Final = 300

_DONE: Final[dict[Action, Promise | str]] = closed(
    "what is done to a service, in a dry run",
    Action,
    {
        Action.RESTRICT: gettext_lazy("restricted"),
        Action.DISABLE: gettext_lazy("disabled"),
        Action.DELETE: gettext_lazy("to be deleted"),
    },
)


@console_page()
def page(console: ConsoleRequest) -> HttpResponse:
    """The policies in force, and how many accounts follow each."""
    found = {one.name: one for one in console.live.store.policies().values()}
    follow, newest = console.live.store.policy_followers(), console.live.store.policies()
    listed = [
        (name, newest[name].version, format_decimal(follow.get(name, 0), locale=console.locale))
        for name in sorted(found)
    ]
    return console.page("policies", _("Policies"), listed=listed)


@console_page(methods=(*READS, "POST"), act=StaffAct.MANAGE)
def one(console: ConsoleRequest, policy: str) -> HttpResponse:
    """One policy: its text, who changed what, and a form that first shows what another text would change; Http404 for
    one that is not in force."""
    policies = console.live.store.policies()
    newest = policies.get(policy)
    if newest is None or newest.name != policy:
        raise Http404
    if console.request.method == "POST":
        return _sent(console, newest)
    asked = console.request.GET.get("version", "")[:16]
    shown = policies.get(asked, newest)
    if shown.name != policy:
        raise Http404
    return _shown(console, newest, policy_text(shown))


def _sent(console: ConsoleRequest, before: Policy) -> HttpResponse:
    form = console.request.POST
    # A form sends each end of a line as two characters.
    text = form.get("text", "").replace("\r\n", "\n")
    why = " ".join(form.get("why", "").split())
    try:
        if len(text) > POLICY_CHARACTERS_MAX:
            raise Refused("bad_policy", _("This is too long to be a policy."))
        new = load_policy(text, where=before.name)
        if new.name != before.name:
            said = _(
                "The name stays %(name)s: of another name it would be a new policy, which arrears policy adopt makes."
            )
            raise Refused("another_name", said % {"name": before.name})
        if not why or len(why) > WHY_CHARACTERS_MAX or not why.isprintable():
            raise Refused("no_reason", _("Say why, in a line of words."))
        if form.get("do") != "adopt":
            return _previewed(console, before, new, text, why)
        _adopt(console, before, new, why)
    except Refused as refused:
        return _shown(console, before, text, mistakes=refused.message.splitlines(), why=why)
    return console.to(f"policies/{before.name}?done=1")


def _adopt(console: ConsoleRequest, before: Policy, new: Policy, why: str) -> None:
    form = console.request.POST
    if form.get("before") != before.version:
        raise Refused("changed_meanwhile", _("Somebody has changed this policy meanwhile: look again."))
    if any(change.shortens for change in changes_between(before, new)) and form.get("shortens") != "yes":
        raise Refused("shortens_a_promise", _("It shortens a promise: say that you have seen that."))
    adopt_policy(console.live.store, new, console.now, console.author, why)


def _previewed(console: ConsoleRequest, before: Policy, new: Policy, text: str, why: str) -> HttpResponse:
    """What this text would change; nothing has been done."""
    changes = [*_changes(before, new)]
    until = console.now + timedelta(days=DAYS)
    due = due_count(console.live.store, until) if changes else 0
    found = None
    if changes and due <= FORETOLD_MAX:
        work = dry_run_work(console.live.store, new, console.now, until)
        found = dry_run(work, due_parts(console.live.store, until))
    return console.page(
        "policy_effect",
        _("What this policy would change"),
        name=before.name,
        before=before.version,
        after=new.version,
        text=text,
        why=why,
        changes=changes,
        shortens=any(one["shortens"] for one in changes),
        days=DAYS,
        due=format_decimal(due, locale=console.locale),
        foretold=None if found is None else _foretold(console, found),
    )


def _changes(before: Policy, after: Policy) -> Iterator[dict[str, Any]]:
    """Each key that differs, with what it says in both."""
    was, now = written_keys(before), written_keys(after)
    for change in changes_between(before, after):
        yield {
            "key": change.key,
            "before": was.get(change.key, "–"),
            "after": now.get(change.key, "–"),
            "shortens": change.shortens,
        }


def _foretold(console: ConsoleRequest, found: DryRunTotals) -> dict[str, Any]:
    """A dry run as its page shows it."""

    def count(number: int) -> str:
        return format_decimal(number, locale=console.locale)

    def day(on: Any) -> str:
        return _("not in these days") if on is None else values.day(on, console.locale)

    rows = [
        (_DONE[action], count(counts.before), count(counts.after), _difference(console, counts))
        for action, counts in found.counts.items()
        if any(counts)
    ]
    owed = [
        [format_amount(minor, currency, str(console.locale)) for minor in sums]
        for currency, sums in sorted(found.owed.items())
    ]
    return {
        "accounts": count(found.accounts),
        "in_arrears": count(found.in_arrears),
        "changed": count(found.changed),
        "doubted": found.doubted,
        "rows": rows,
        "messages": [count(number) for number in found.notices],
        "owed": owed,
        "differences": [
            {
                "path": f"/console/{account_path(one.account)}",
                "id": format_id(ACCOUNT, one.account),
                "subscription": format_id(SUBSCRIPTION, one.account, one.subscription),
                "what": _DONE[one.action],
                "before": day(one.before),
                "after": day(one.after),
            }
            for one in found.differences[:DIFFERENCES_SHOWN]
        ],
        "more": len(found.differences) > DIFFERENCES_SHOWN,
    }


def _difference(console: ConsoleRequest, counts: ActionCount) -> str:
    """How many no more, newly, later and earlier, those that are none left out."""
    found = (
        (counts.fewer, _("%(number)s no more")),
        (counts.more, _("%(number)s that were not")),
        (counts.later, _("%(number)s later")),
        (counts.earlier, _("%(number)s earlier")),
    )
    parts = [said % {"number": format_decimal(n, locale=console.locale)} for n, said in found if n]
    return ", ".join(parts) or _("the same")


def _shown(
    console: ConsoleRequest, policy: Policy, text: str, *, mistakes: list[str] | None = None, why: str = ""
) -> HttpResponse:
    names = {f"staff:{one.number}": one.name or one.email for one in members()}
    adopted = [*adoptions(console.live.store, policy.name, VERSIONS_SHOWN)]
    policies = console.live.store.policies()
    versions = [
        _version(console, one, adopted[place + 1] if place + 1 < len(adopted) else None, policies, names)
        for place, one in enumerate(adopted)
    ]
    follow = console.live.store.policy_followers().get(policy.name, 0)
    shown = {
        "name": policy.name,
        "version": policy.version,
        "follow": format_decimal(follow, locale=console.locale),
        "text": text,
        "lines": min(40, text.count("\n") + 2),
        "why": why,
        "mistakes": mistakes or [],
        "characters_max": POLICY_CHARACTERS_MAX,
        "why_max": WHY_CHARACTERS_MAX,
        "versions": versions,
        "done": bool(console.request.GET.get("done")),
    }
    title = _("Policy %(name)s") % {"name": policy.name}
    return console.page("policy", title, 422 if mistakes else 200, **shown)


def _version(
    console: ConsoleRequest,
    one: Adoption,
    before: Adoption | None,
    policies: Mapping[str, Policy],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """One time that a version was put in force: when, by whom, why, and what it changed."""
    changes: list[dict[str, Any]] = []
    if before is not None and {one.version, before.version} <= policies.keys():
        changes = [*_changes(policies[before.version], policies[one.version])]
    return {
        "version": one.version,
        "at": values.day(one.at.date(), console.locale),
        "by": values.clean(names.get(one.author, one.author.removeprefix("staff:"))),
        "why": values.clean(one.why),
        "changes": changes,
    }
