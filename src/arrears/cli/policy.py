"""`arrears policy`: look at a policy before it becomes a promise (`check`, `diff`), and make it one (`adopt`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import time
from pathlib import Path
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, BY, each_mistake_on_a_line, print_json, rows
from arrears.cli.policy_dry_run import command as dry_run
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.policy import (
    POLICY_CHARACTERS_MAX,
    ClockScope,
    Policy,
    announced_ahead,
    changes_between,
    default_text,
    load_policy,
)
from arrears.core.policy.differences import PolicyChange
from arrears.core.policy.values import ATTEMPTS_MAX, HERE, KEYS
from arrears.engine.commands import change_terms
from arrears.engine.finding import find_account
from arrears.engine.system import adopt_policy
from arrears.wiring import open_installation

# A character of UTF-8 has at most four bytes.
_BYTES_MAX: Final = 4 * POLICY_CHARACTERS_MAX


@click.group()
def policy() -> None:
    """Check policies, compare them, put them in force. One says what happens when to an account that does not pay.

    Until you adopt one, accounts follow the one that ships with arrears: `arrears policy default > mine.toml` writes it
    down, with a word on each key, and is the beginning of your own."""


@policy.command("default")
def default_command() -> None:
    """Print the file of the policy that is in force where no other was adopted, to begin your own with."""
    click.echo(default_text(), nl=False)


@policy.command()
@click.argument("file")
@AS_JSON
def check(file: str, as_json: bool) -> None:
    """Read FILE as a policy; print its ladder, or every mistake in it."""
    with each_mistake_on_a_line(f"{_place(file)} is not in order"):
        found = read_policy(file)
    if as_json:
        print_json({"ok": True, "policy": _as_dict(found)})
        return
    click.echo(f"{_place(file)}: policy {found.name}, version {found.version}: no mistakes")
    for line in _ladder(found):
        click.echo(line)


@policy.command()
@click.argument("old")
@click.argument("new")
@AS_JSON
def diff(old: str, new: str, as_json: bool) -> None:
    """Say what changes for customers from the policy OLD to the policy NEW (files), and what shortens a promise."""
    with each_mistake_on_a_line("nothing was compared"):
        before, after = read_policy(old), read_policy(new)
    changes = changes_between(before, after)
    if as_json:
        print_json({"old": before.version, "new": after.version, **_changes_as_dict(changes, before, after)})
        return
    if not changes:
        click.echo(f"the same promises (version {after.version})")
        return
    click.echo(f"version {before.version} -> {after.version}")
    _show(changes)


@policy.command()
@click.argument("file")
@click.option("--yes", is_flag=True, help="Put it in force although it shortens a promise.")
@BY
@AS_JSON
def adopt(file: str, yes: bool, by: str, as_json: bool) -> None:
    """Put the policy in FILE in force under its name, for every case that starts from now on."""
    with each_mistake_on_a_line("nothing was changed"):
        found = read_policy(file)
    with open_installation() as live:
        before = live.store.policies().get(found.name)
        changes = () if before is None else changes_between(before, found)
        if not as_json:
            _show(changes)
        if any(change.shortens for change in changes) and not yes:
            why = "it shortens a promise, so nothing was changed; add --yes to put it in force all the same"
            raise Refused("shortens_a_promise", f"{_place(file)}: {why}", exit_code=3)
        adopt_policy(live.store, found, live.clock.now(), f"staff:{by}")
        follow = live.store.policy_followers().get(found.name, 0)
    was = None if before is None else before.version
    if as_json:
        said = {"name": found.name, "version": found.version, "before": was, "accounts": follow}
        print_json({**said, **_changes_as_dict(changes, before or found, found)})
    elif was == found.version:
        click.echo(f"policy {found.name}, version {found.version}, is in force already")
    else:
        click.echo(
            f"policy {found.name}, version {found.version}, is in force; {f'before: {was}' if was else 'it is new'}"
        )
    if not as_json:
        none = "; `arrears policy assign`, or policy in an import's map, lets accounts follow it" if not follow else ""
        click.echo(f"{_accounts(follow)} follow it{none}" if follow != 1 else "1 account follows it")


@policy.command(name="list")
@AS_JSON
def list_policies(as_json: bool) -> None:
    """List the policies in force and how many accounts follow each."""
    with open_installation() as live:
        found = {one.name: one for one in live.store.policies().values()}
        newest = {name: live.store.policies()[name] for name in sorted(found)}
        follow = live.store.policy_followers()
    if as_json:
        print_json([{"name": n, "version": p.version, "accounts": follow.get(n, 0)} for n, p in newest.items()])
        return
    rows([(name, p.version, _accounts(follow.get(name, 0))) for name, p in newest.items()])


@policy.command()
@click.argument("name")
@AS_JSON
def show(name: str, as_json: bool) -> None:
    """Print the ladder of the policy NAME as it is in force."""
    with open_installation() as live:
        found = live.store.policies().get(name)
    if found is None or found.name != name:
        raise Refused(
            "unknown_policy", f"no policy {name[:60]!r} is in force; `arrears policy list` names those that are"
        )
    if as_json:
        print_json(_as_dict(found))
        return
    for line in (f"policy {found.name}, version {found.version}", *_ladder(found)):
        click.echo(line)


@policy.command()
@click.argument("name")
@click.argument("accounts", nargs=-1, required=True)
@BY
def assign(name: str, accounts: tuple[str, ...], by: str) -> None:
    """Let ACCOUNTS follow the policy NAME, for what starts from now on; a running case keeps its own."""
    with open_installation() as live:
        numbers = [find_account(live.store, account) for account in accounts]
        for number in numbers:
            known = live.store.snapshots([number])[number]
            change_terms(
                live.store,
                number,
                live.clock.now(),
                f"staff:{by}",
                policy=name,
                zone=known.terms.zone,
                mode=known.mode,
            )
        follow = live.store.policy_followers().get(name, 0)
    click.echo(
        f"policy {name} is followed by {_accounts(follow)}; running cases keep the policy that they started with"
    )


policy.add_command(dry_run)


def _accounts(count: int) -> str:
    return "1 account" if count == 1 else f"{count} accounts"


def _changes_as_dict(changes: Sequence[PolicyChange], old: Policy, new: Policy) -> dict[str, Any]:
    listed = [{"key": c.key, **_before_and_after(c.key, old, new), "shortens": c.shortens} for c in changes]
    return {"shortened": sum(c.shortens for c in changes), "changes": listed}


def _before_and_after(key: str, old: Policy, new: Policy) -> dict[str, Any]:
    """What a key says in two policies, as a policy's JSON has it; of a sum its minor units, 0 where none is said."""
    name = {"name": "name", **{one.path: field for field, one in KEYS.items()}}.get(key)
    if name is not None:
        return {"before": _as_dict(old)[name], "after": _as_dict(new)[name], "currency": None}
    table, _, currency = key.partition(".")
    [name] = [field for field, one in KEYS.items() if one.path == table]
    before, after = (getattr(policy, name).get(currency, 0) for policy in (old, new))
    return {"before": before, "after": after, "currency": currency}


def _show(changes: Sequence[PolicyChange]) -> None:
    if not changes:
        return
    for change in changes:
        click.echo(f"  {change}")
    shortened = sum(change.shortens for change in changes)
    promises = "1 shortens a promise" if shortened == 1 else f"{shortened} shorten a promise"
    differences = "1 difference" if len(changes) == 1 else f"{len(changes)} differences"
    click.echo(f"{differences}, {promises}; running cases keep the version they started with")


def read_policy(file: str) -> Policy:
    """The policy in a file; refuses `missing_file`, `unreadable_file`, `empty_file`, `not_utf8`, `bad_policy`."""
    place = _place(file)
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_BYTES_MAX + 1)
    except FileNotFoundError:
        raise Refused("missing_file", f"{place}: there is no such file; give the path of a policy file") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        raise Refused(
            "unreadable_file", f"{place}: cannot be read ({reason.lower()}); give the path of a policy file"
        ) from None
    if not content.strip():
        raise Refused("empty_file", f"{place}: is empty; a policy needs at least a name and delete.retention_days")
    if len(content) > _BYTES_MAX:
        raise Refused("bad_policy", f"{place}: has more than {_BYTES_MAX} bytes; is it a policy?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused("not_utf8", f"{place}: line {line} is not UTF-8; save the file as UTF-8 text") from None
    return load_policy(text, where=place)


def _place(file: str) -> str:
    return file if file.isprintable() else ascii(file)


def _ladder(found: Policy) -> list[str]:
    """What happens on which day, in order."""
    steps = [(day, "reminder") for day in found.remind_days]
    steps += [(day, "warning of disablement") for day in found.disable_warning_days]
    if found.disable_after_days is not None:
        steps.append((found.disable_after_days, "disabled; retention starts"))
    if found.restrict_after_days is not None:
        steps += [(day, "warning of restriction") for day in found.restrict_warning_days]
        steps.append((found.restrict_after_days, "restricted"))
    lines = [f"{days:>4} days before {what}: announced" for days, what in announced_ahead(found)]
    lines += [f"day {day:>4}  {what}" for day, what in sorted(steps)]
    kept = [(day, "warning of deletion") for day in found.delete_warning_days]
    if found.retention_days is not None:
        wait = f"deletion scheduled; ordered {found.delete_cool_off_hours} hours later at the earliest"
        kept.append((found.retention_days, wait))
    lines += [f"retention day {day:>4}  {what}" for day, what in kept]
    lines += never(found)
    lines += retried(found)
    if found.business_days:
        where = f" of {found.holidays}" if found.holidays else " (Monday to Friday)"
        lines.append(
            f"Every date of these is told and kept as a working day{where} that another follows, so never earlier."
        )
    for what, sums in (("tolerance", found.tolerance_minor), ("minimum", found.minimum_minor)):
        lines += [f"{what} {format_amount(minor, code)}" for code, minor in sums.items()]
    return [*lines, whose_clock(found), *canceled(found)]


def canceled(found: Policy) -> list[str]:
    """How a customer ends a subscription, where the policy says so."""
    if not found.cancel_by_customer:
        return []
    where = "in the account centre" if found.cancel_by_customer == HERE else f"at {found.cancel_by_customer}"
    return [f"A customer ends a subscription {where}."]


def retried(found: Policy) -> list[str]:
    """How often and when a declined charge is tried again, where the policy says so itself."""
    if not found.retry_attempts_max:
        return ["A declined charge is never tried again by itself."]
    if found.retry_days:
        days = ", ".join(map(str, found.retry_days))
        return [f"A declined charge is tried again on days {days}, {_times(found)}, if the card networks allow it."]
    if found.retry_attempts_max != ATTEMPTS_MAX:
        return [f"A declined charge is tried again when it is likeliest paid, {_times(found)}."]
    return []


def _times(found: Policy) -> str:
    times = found.retry_attempts_max
    return "once at most" if times == 1 else f"{times} times at most"


def never(found: Policy) -> list[str]:
    """A sentence for each stage that never begins, and what is so instead."""
    lines = []
    if found.disable_after_days is None:
        lines.append(
            "Nothing is ever disabled for debt: a person decides what follows, until it is paid or written off."
        )
        if found.retention_days is not None:
            lines.append("Retention counts where a service ends for another reason than debt (a cancellation).")
    if found.retention_days is None:
        lines.append("No data is ever deleted, whyever its service ended.")
    return lines


def whose_clock(found: Policy) -> str:
    """Whose debt counts the days, and what may be touched, in one sentence."""
    if found.scope is ClockScope.ACCOUNT:
        return (
            "The account's oldest past-due debt is the clock of all its subscriptions, and restricts and disables them "
            "all; only what an unpaid past-due debt that nobody holds names is deleted."
        )
    return "Each subscription follows the oldest past-due debt that names it, and nothing else is touched."


def _as_dict(found: Policy) -> dict[str, Any]:
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {key: value.isoformat("minutes") if isinstance(value, time) else value for key, value in values.items()}
