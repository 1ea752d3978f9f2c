"""The store as a whole, and the parts of it that belong together for one job.

Functions ask for the narrowest of these that they use, so that a signature says what a function can read and change.
Only what wires, what makes worlds, and what drives every room of the engine asks for `Store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from arrears.core.invariants import Breach
from arrears.core.view import View
from arrears.ports.accounts import AccountOpening, AccountReader, Accounts, AccountViews, DueAccounts, Journal
from arrears.ports.actions import ActionQueue, NoticeFacts
from arrears.ports.book import Receivables
from arrears.ports.documents import DocumentBook
from arrears.ports.installation import BackupWatch, InstallationControl
from arrears.ports.messages import ContactBook, MailBook, PayLinkBook, WarningBook
from arrears.ports.payments import MethodAndTries, MoneyBook, NamedMethodBook, ProviderBook, SweepBook
from arrears.ports.people import AccessBook, AddressBook
from arrears.ports.privacy import PrivacyBook
from arrears.ports.setups import SetupBook
from arrears.ports.subscription_refs import SubscriptionRefs
from arrears.ports.support import SupportBook, VisitorBook


@runtime_checkable
class SelfChecking(Protocol):
    """A store that can look at all it keeps, and name every invariant that is broken there."""

    def check_all(self) -> tuple[int, Sequence[Breach]]:
        """How many things were checked, and what is broken."""


class CollectionsRun(DueAccounts, InstallationControl, BackupWatch, Protocol):
    """What the collections run needs: the accounts that are due, and the doubts that hold it back."""


class AccountsAndInstallation(Accounts, CollectionsRun, Journal, Protocol):
    """Accounts under their locks, what was recorded of them, and the state of the whole installation: tasks are about
    either."""


class AccountHistory(AccountReader, Journal, ContactBook, Protocol):
    """Accounts with everything that was ever recorded of them, and whom it reaches: what explains a state."""


class AccountAndMailHistory(AccountHistory, MailBook, Protocol):
    """Accounts with everything that was ever recorded of them, and every message about it with what became of it."""


class ReachableAccounts(AccountReader, ContactBook, Protocol):
    """Accounts with how their people can be reached: what says who hears what, and when."""


class PayLinkAccounts(ReachableAccounts, PayLinkBook, Protocol):
    """What decides whether a pay link still holds: its case, and that its reader is still who may pay."""


class AccountsAndContacts(Accounts, ContactBook, Protocol):
    """Accounts under their locks, and how their people can be reached."""


class ContactsAndFacts(AccountsAndContacts, Receivables, Protocol):
    """The same with what was recorded of the accounts: how often something was asked for."""


class AccountsAndMail(Accounts, MailBook, Protocol):
    """Accounts under their locks with the book of every message: what a bounce needs."""


class MailReturning(AccountsAndMail, InstallationControl, Protocol):
    """What mail that came back needs: its accounts, its messages, and the tasks of the whole installation."""


class MailWatching(MailBook, InstallationControl, Protocol):
    """The book of every message, and the tasks of the whole installation: what is wrong with mail is told there."""


class NoticeSending(AccountReader, MailBook, NoticeFacts, InstallationControl, Protocol):
    """What sending notices needs. It only reads accounts: what became of a message is recorded by who claimed it."""


class AccountsAndMoney(Accounts, AccountReader, AccountViews, MoneyBook, Protocol):
    """Accounts, locked and as last committed, with the book of methods, attempts and payments."""

    def seen_to_charge(self, account: int, attempt: int, now: datetime) -> tuple[View | None, MethodAndTries | None]:
        """What `seen` says of an account, and `method_and_tries` of the method of this attempt, in one answer; None
        where there is no such account, or the attempt has no method."""


class AccountsAndSetups(AccountsAndMoney, SetupBook, Protocol):
    """The same with the pages on which methods are set up, which may pay the moment the method is there."""


class AccountsAndAddresses(Accounts, WarningBook, AddressBook, Protocol):
    """Accounts with the addresses and profiles of their people."""


class AccountsAndAccess(Accounts, WarningBook, AccessBook, Protocol):
    """Accounts with who may sign in to them, and as what."""


class AccountsAndSubscriptionRefs(Accounts, AccountReader, SubscriptionRefs, Protocol):
    """Accounts with what the operator's own systems call their subscriptions."""


class AccountsAndSupport(Accounts, SupportBook, Protocol):
    """Accounts with their support requests, which may hold what would be done to them."""


class VisitorSupport(SupportBook, VisitorBook, Protocol):
    """Support requests of people who do not sign in. None of this touches an account."""


class AccountsAndVisitors(AccountsAndSupport, VisitorBook, Protocol):
    """The same with the accounts to which such requests are given."""


class AccountsAndReceivables(Accounts, Receivables, Protocol):
    """What corrections of single invoices and payments need: the accounts, and whose each of them is."""


class AccountsAndPrivacy(Accounts, WarningBook, PrivacyBook, Protocol):
    """Accounts with everything personal around them: what erasing a person needs."""


class AccountsAndDocuments(AccountReader, Receivables, DocumentBook, Protocol):
    """What the documents of invoices need: what was asked of whom, and the documents that were made."""


class CorrectingRefs(AccountReader, AccountsAndReceivables, Protocol):
    """What another reference of an account needs: whose each reference is, and what is known of its invoices."""


class NamedMethods(AccountsAndMoney, NamedMethodBook, Protocol):
    """What adding the methods that books name needs."""


class ReceivablesImport(AccountOpening, Receivables, Protocol):
    """What an import needs: accounts that are there or come with it, and what is known of their receivables."""


class Store(
    AccountsAndMail,
    AccountsAndSetups,
    AccountsAndVisitors,
    ActionQueue,
    CollectionsRun,
    Journal,
    NamedMethodBook,
    NoticeFacts,
    PayLinkBook,
    ProviderBook,
    ReceivablesImport,
    SweepBook,
    Protocol,
):
    """Everything that is kept, in PostgreSQL, or in memory for the simulator. People's own rows (`AddressBook`,
    `AccessBook`) are in PostgreSQL alone: the simulator's people have none."""
