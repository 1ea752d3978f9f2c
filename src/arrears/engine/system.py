"""Commands on the whole installation: policies, the clock, the bank feed, the breaker.

Before a doubt ends, what is due is looked at once more: a deadline that passed while it stood has waited, even if no
run saw it, and its warnings no longer count (spec, section 3, Holds).
"""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex

from arrears.core.facts import (
    ARREARS,
    BookRefused,
    BreakerSet,
    ChangeSetAside,
    ClockConfirmed,
    ClockDiffers,
    FeedSet,
    IdentityTaken,
    LimitsSet,
    MailPaused,
    MailTrouble,
    MailTroubleKind,
    SystemTaskClosed,
)
from arrears.core.payments.limits import AmountLimits
from arrears.core.policy import Policy
from arrears.engine.run import run
from arrears.ports import AccountsAndInstallation, CollectionsRun, InstallationControl, MailCounts


def adopt_policy(store: InstallationControl, policy: Policy, now: datetime, author: str, why: str = "") -> None:
    """Make this version the newest of its name. Running cases keep the version they started with."""
    store.adopt(policy, now, author, why)


def identity(store: InstallationControl, now: datetime) -> str:
    """Who this installation is to its payment providers: taken once, and kept with the database."""
    if not store.system().identity:
        store.record_system(IdentityTaken(identity=f"ins_{token_hex(10)}"), now, ARREARS, "the first")
    return store.system().identity


def confirm_clock(store: CollectionsRun, now: datetime, author: str, why: str = "") -> int:
    """Record that a person has found the clock right. What waited for that is looked at again; how many accounts
    did."""
    if store.system().clock_suspect:
        run(store, now)
    store.tick(now)
    store.record_system(ClockConfirmed(), now, author, why)
    return store.wake_waiting(now)


def set_clock_differs(
    store: CollectionsRun, provider: str, ahead_seconds: int, now: datetime, why: str = "", *, over: bool = False
) -> int:
    """Record that our clock and a payment provider's differ, which is a task for staff, or that they agree again; how
    many accounts waited."""
    if over:
        run(store, now)
    store.record_system(ClockDiffers(provider=provider, ahead_seconds=ahead_seconds, over=over), now, ARREARS, why)
    return store.wake_waiting(now) if over else 0


def set_feed(store: CollectionsRun, *, stale: bool, now: datetime, author: str, why: str = "") -> int:
    """Record that the bank's statements or the provider's events are too old to decide upon, or no longer are; how many
    accounts waited."""
    if not stale and store.system().feed_stale:
        run(store, now)
    store.record_system(FeedSet(stale=stale), now, author, why)
    return 0 if stale else store.wake_waiting(now)


def set_book_refused(store: InstallationControl, book: str, now: datetime, why: str) -> None:
    """Record that the newest export under this map was refused as a whole: a task for staff. What it says may be that
    somebody has paid, so restrictions, disablements, deletions and automatic charges wait."""
    store.record_system(BookRefused(book=book), now, ARREARS, why)


def set_book_taken(store: CollectionsRun, book: str, now: datetime, author: str, why: str) -> int:
    """Record that an export under this map was taken, or that a person knows what the refused one says; how many
    accounts waited."""
    if book not in store.system().books_refused:
        return 0
    run(store, now)
    store.record_system(BookRefused(book=book, over=True), now, author, why)
    return store.wake_waiting(now)


def set_breaker(store: CollectionsRun, *, is_open: bool, now: datetime, author: str, why: str = "") -> int:
    """Open or close the breaker: open, it makes every escalation wait while declines come like a storm, and is a task
    for staff. How many accounts waited."""
    if not is_open and store.system().breaker_open:
        run(store, now)
    store.record_system(BreakerSet(open=is_open), now, author, why)
    return 0 if is_open else store.wake_waiting(now)


def pause_mail(store: InstallationControl, counts: MailCounts, now: datetime, *, over: bool) -> None:
    """Record that too many addresses are dead and no mail is sent for now, which is a task for staff, or that this is
    over."""
    why = "" if over else f"{counts.dead} of {counts.addresses} addresses of the last hour do not exist; mail waits"
    store.record_system(MailPaused(bounced=counts.dead, sent=counts.addresses, over=over), now, ARREARS, why)


def tell_mail_trouble(store: InstallationControl, what: MailTroubleKind, now: datetime, why: str) -> None:
    """Record what is wrong with mail as a whole, which is a task for staff; or, without a `why`, that it is over."""
    store.record_system(MailTrouble(what=what, over=not why), now, ARREARS, why)


def set_change_aside(store: InstallationControl, ref: str, now: datetime, author: str, why: str) -> None:
    """Record that a change which a provider reported could not be recorded, and belongs to no account that can be read:
    a task for staff."""
    store.record_system(ChangeSetAside(ref=ref), now, author, why)


def set_limits(store: InstallationControl, limits: dict[str, AmountLimits], now: datetime) -> None:
    """Record what the payment providers take in one charge, by currency."""
    store.record_system(LimitsSet(limits=limits), now, ARREARS, "as the payment providers document it")


def close_task(store: AccountsAndInstallation, task: int, now: datetime, author: str, outcome: str) -> None:
    """Close a task of the installation, which the fact of this number raised and staff have dealt with. Nothing waits
    for a book any more that it was about."""
    raised = store.system_fact(task)
    if isinstance(raised, BookRefused):
        set_book_taken(store, raised.book, now, author, outcome)
    store.record_system(SystemTaskClosed(task=task), now, author, outcome)
