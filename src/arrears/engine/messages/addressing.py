"""A draft as one reader gets it, and where its links lead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from arrears.core.account import Account, Mode
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.messages.content import Content, DebtLine, Operator, Reader, Role, Sum
from arrears.core.messages.kinds import KINDS
from arrears.core.messages.recipients import Contacts, Recipient
from arrears.core.policy import Policies
from arrears.core.rules.paying import paying
from arrears.core.stages import ends_here, policy_of
from arrears.engine.messages.drafting_people import Draft, zone_of


def content(
    draft: Draft,
    account: Account,
    contacts: Contacts,
    to: Recipient,
    operator: Operator,
    link: str,
    now: datetime,
    policies: Policies,
) -> Content:
    """The message as one reader gets it. A link under /pay/ pays without a sign-in."""
    administrator = contacts.administrator
    return Content(
        kind=draft.kind,
        locale=to.locale,
        account_name=contacts.name or contacts.ref,
        reader=Reader(to.name, to.role, to.zone),
        zone=zone_of(account),
        sent_at=now,
        operator=operator,
        link=link,
        link_is_pay=to.role is Role.ADMINISTRATOR and "/pay/" in link,
        debts=draft.debts,
        sums=sums_of(draft.debts),
        actions=draft.actions,
        paid=draft.paid,
        services=draft.services,
        card=draft.card,
        expires_on=draft.expires_on,
        days_left=draft.days_left,
        decline=draft.decline,
        old_address=draft.old_address,
        new_address=draft.new_address,
        change=draft.change,
        again=draft.again,
        inviter=draft.inviter,
        administrator="" if administrator is None else administrator.name,
        by_transfer=account.mode is Mode.INVOICE or not KINDS[draft.kind].by_card,
        no_method=_no_method(account, draft),
        nothing_follows=ends_here(policies, account),
        never_deleted=policy_of(policies, account).retention_days is None,
        request=str(draft.help or ""),
        no_deletion_until=draft.no_deletion_until,
        no_stop_until=draft.no_stop_until,
        stays=draft.stays,
        ends=draft.ends,
        collects=draft.collects,
        effective_on=draft.effective_on,
        later=draft.later,
    )


def _no_method(account: Account, draft: Draft) -> bool:
    """Whether no payment method pays for any of what a message lists."""
    listed = {line.number for line in draft.debts}
    debts = [d for d in account.debts if d.number in listed]
    return account.mode is Mode.CARD and bool(debts) and not any(paying(account, d) for d in debts)


def sums_of(lines: Iterable[DebtLine]) -> tuple[Sum, ...]:
    """One total for each currency."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.currency] = totals.get(line.currency, 0) + line.open_minor
    return tuple(Sum(currency, minor) for currency, minor in sorted(totals.items()))


def stable_link(base_url: str, account: int) -> str:
    """Where everybody but the administrator's mail leads: it asks for a sign-in."""
    return f"{base_url}/settle/{format_id(ACCOUNT, account)}"


def page_link(base_url: str, account: int, page: str) -> str:
    """A page of the account, by its path within it; it asks for a sign-in."""
    return f"{base_url}/{format_id(ACCOUNT, account)}/{page}"


def help_link(base_url: str, account: int, number: int) -> str:
    """The conversation of a support request, or all of them (0), for whoever signs in."""
    return f"{base_url}/{format_id(ACCOUNT, account)}/help{f'/{number}' if number else ''}"
