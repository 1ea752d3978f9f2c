"""The pay link: whoever holds it may pay its account's debts once, and nothing else (spec, section 7, Two links).

It is good while the case it was sent for is open, the person it was sent to is the administrator, and the address it
went to is theirs. Looking at it changes nothing, however often machines do.
"""

from __future__ import annotations

from arrears.core.address import mailbox_of
from arrears.core.messages.recipients import Contacts
from arrears.ports import PayLink, PayLinkAccounts


def good_link(store: PayLinkAccounts, digest: bytes) -> PayLink | None:
    """The link with this digest (SHA-256 of its token), or None where it is unknown, over or revoked."""
    link = store.pay_link(digest)
    if link is None:
        return None
    account = store.snapshots([link.account]).get(link.account)
    if account is None or account.case is None or account.case.no != link.case:
        return None
    return link if _is_still_meant(store.contacts([link.account])[link.account], link) else None


def known_link(store: PayLinkAccounts, digest: bytes) -> PayLink | None:
    """A link that was once sent, for its holder to read what became of it; it pays nothing any more once its case is
    over. None where it is unknown or revoked."""
    link = store.pay_link(digest)
    if link is None or not _is_still_meant(store.contacts([link.account])[link.account], link):
        return None
    return link


def _is_still_meant(contacts: Contacts, link: PayLink) -> bool:
    """Whether it was sent to who is the administrator now, at an address that is still theirs; or to the account's
    contact address while nobody is."""
    who = contacts.administrator
    number, theirs = (0, (contacts.contact,)) if who is None else (who.no, who.addresses)
    return link.person == number and mailbox_of(link.address) in {mailbox_of(address) for address in theirs}
