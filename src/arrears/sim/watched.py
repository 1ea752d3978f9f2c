"""A store that shows every committed transaction to a checker; otherwise it is the store that it wraps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from arrears.core.facts import SystemFact
from arrears.core.unit import Unit
from arrears.ports import Batch, NewAccount, Store


class WatchedStore:
    """See ports.Store. `committed` sees the units of each transaction, `system_changed` each change of the guards."""

    def __init__(
        self,
        inner: Store,
        committed: Callable[[Sequence[Unit]], None],
        system_changed: Callable[[datetime], None],
    ) -> None:
        self.inner = inner
        self._committed = committed
        self._system_changed = system_changed
        self.claim = inner.claim
        self.give_back = inner.give_back
        self.snapshots = inner.snapshots
        self.messages = inner.messages
        self.contacts = inner.contacts
        self.resumed_with = inner.resumed_with
        self.mails = inner.mails
        self.mails_of = inner.mails_of
        self.mails_to = inner.mails_to
        self.claim_mails = inner.claim_mails
        self.mail_counts = inner.mail_counts
        self.give_token = inner.give_token
        self.give_link = inner.give_link
        self.pay_link = inner.pay_link
        self._pass_on_setups(inner)
        self._pass_on_support(inner)
        self._pass_on_receivables(inner)
        self.policies = inner.policies
        self.adopt = inner.adopt
        self.tick = inner.tick
        self.system = inner.system
        self.wake_waiting = inner.wake_waiting
        self.set_aside = inner.set_aside
        self.next_due = inner.next_due
        self.account_numbers = inner.account_numbers
        self.history = inner.history
        self.digest = inner.digest
        self.method = inner.method
        self.methods = inner.methods
        self.attempts = inner.attempts
        self.open_attempts = inner.open_attempts
        self.payment = inner.payment
        self.finished_since = inner.finished_since
        self.invoices = inner.invoices
        self.refund_known = inner.refund_known
        self.refunded_minor = inner.refunded_minor
        self.provider_payments = inner.provider_payments
        self.provider_net = inner.provider_net
        self.swept_until = inner.swept_until
        self.set_swept = inner.set_swept

    def _pass_on_receivables(self, inner: Store) -> None:
        self.facts_of = inner.facts_of
        self.described = inner.described
        self.invoice_places = inner.invoice_places
        self.payment_places = inner.payment_places
        self.invoice_count = inner.invoice_count
        self.book_sums = inner.book_sums
        self.policy_followers = inner.policy_followers

    def _pass_on_support(self, inner: Store) -> None:
        self.add_request = inner.add_request
        self.support_request = inner.support_request
        self.requests_of = inner.requests_of
        self.waiting_requests = inner.waiting_requests
        self.requests_to_place = inner.requests_to_place
        self.confirm_request = inner.confirm_request
        self.place_request = inner.place_request
        self.move_request = inner.move_request
        self.add_hold = inner.add_hold
        self.requests_since = inner.requests_since
        self.held_in = inner.held_in
        self.add_entry = inner.add_entry
        self.support_entries = inner.support_entries
        self.tasks_open = inner.tasks_open
        self.add_support_link = inner.add_support_link
        self.support_linked = inner.support_linked
        self.add_letter = inner.add_letter
        self.claim_letters = inner.claim_letters
        self.end_letter = inner.end_letter
        self.accounts_named = inner.accounts_named
        self.payment_behind = inner.payment_behind

    def _pass_on_setups(self, inner: Store) -> None:
        self.begin_setup = inner.begin_setup
        self.opened_setup = inner.opened_setup
        self.setup = inner.setup
        self.setup_at = inner.setup_at
        self.claim_setup = inner.claim_setup
        self.end_setup = inner.end_setup
        self.stuck_setups = inner.stuck_setups

    @contextmanager
    def open_accounts(self, accounts: Sequence[NewAccount], now: datetime, also: Sequence[int] = ()) -> Iterator[Batch]:
        """See ports.Store."""
        with self.inner.open_accounts(accounts, now, also) as batch:
            yield batch
        self._committed(batch.units)

    @contextmanager
    def accounts(self, numbers: Sequence[int], now: datetime) -> Iterator[Batch]:
        """See ports.Store."""
        with self.inner.accounts(numbers, now) as batch:
            yield batch
        self._committed(batch.units)

    @contextmanager
    def due(self, now: datetime, limit: int) -> Iterator[Batch]:
        """See ports.Store."""
        with self.inner.due(now, limit) as batch:
            yield batch
        self._committed(batch.units)

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """See ports.Store."""
        self.inner.record_system(fact, now, author, why)
        self._system_changed(now)
