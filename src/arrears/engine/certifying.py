"""The signed certificate of a deletion, from what a store has of its account."""

from __future__ import annotations

from typing import Protocol

from arrears.core.certificate import Named, deletion_certificate, signed
from arrears.ports import AccountHistory, InstallationState


class CertifiedStore(AccountHistory, InstallationState, Protocol):
    """What of the store is needed to certify: the account, its journal and names, and which installation this is."""


def signed_certificate(store: CertifiedStore, account: int, subscription: int, operator: str, key: bytes) -> str:
    """One line of JSON, signed with a private key of 32 bytes. Refuses `not_deleted` where the subscription's service
    has not confirmed that everything is gone; KeyError for one that is not there."""
    sub = store.snapshots([account])[account].subscription(subscription)
    known = store.contacts([account])[account]
    named = Named(store.system().identity, operator, known.ref, known.name, sub.service)
    return signed(deletion_certificate(store.history(account), subscription, named), key)
