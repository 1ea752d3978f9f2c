"""How long each table's rows are kept, why, and what of them is about one person: one row for every table there is.

A test compares this with the tables of a fresh database, so that a new one cannot come without its row. What the law
on bookkeeping, a proof or one of the promises needs is never among what is removed: facts, money and orders name people
by number alone, and of a message whose text is gone its row says to whom (by number), when, how it ended, and the
digest of what it said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, LiteralString


class Chosen(StrEnum):
    """A period that the operator sets."""

    TEXTS = "ARREARS_KEEP_TEXTS_DAYS"
    PEOPLE = "ARREARS_KEEP_PEOPLE_DAYS"


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is removed nightly: `statements` run for each set of pages, from `%(first)s` up to `%(after)s`, with
    `%(before)s`, the instant that lies so far back, and `%(now)s`."""

    kept: timedelta | Chosen
    statements: tuple[LiteralString, ...]
    by_time: bool = False
    """The statement goes through an index on time instead: from `%(until)s`, `%(limit)s` rows at once, and returns the
    instants of the rows."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One table. `export` reads and `erase` removes what is about one person, for %(person)s (0: nobody by number),
    %(mailboxes)s (theirs alone), %(accounts)s, and for `erase` also %(names)s, %(erasure)s."""

    how_long: str
    why: str
    export: LiteralString = ""
    erase: tuple[LiteralString, ...] = ()
    sweep: Sweep | None = None


_SET: Final[LiteralString] = "t.ctid >= %(first)s::tid AND t.ctid < %(after)s::tid"
BOOKS: Final = Kept("as the books", "the law on bookkeeping, and the proof of every promise; people by number alone")
OURS: Final = Kept("as the installation", "names no customer")
FRAMEWORK: Final = Kept("as the installation", "the web framework's own; empty, or names nobody")
_MINE: Final[LiteralString] = (
    "((t.person_id = %(person)s AND t.person_id > 0 AND t.account_id = ANY(%(accounts)s::bigint[]))"
    " OR (t.person_id = 0 AND t.mailbox = ANY(%(mailboxes)s::text[])))"
    " AND t.mailbox NOT LIKE 'erased-%%@erased.invalid'"
)
MESSAGE_NAMES: Final[LiteralString] = f"SELECT DISTINCT mailbox FROM message t WHERE {_MINE} ORDER BY 1"
MESSAGE_UNDER_WAY: Final[LiteralString] = f"SELECT EXISTS (SELECT FROM message t WHERE {_MINE} AND t.state = 'claimed')"
_DIGEST: Final[LiteralString] = (
    "CASE WHEN t.body = '' OR t.body LIKE 'sha256:%%' THEN t.body"
    " ELSE 'sha256:' || encode(sha256(convert_to(t.body, 'UTF8')), 'hex') END"
)
_ASKED: Final[LiteralString] = (
    "((t.person_id = %(person)s AND t.person_id > 0) OR (t.mailbox = ANY(%(mailboxes)s::text[]) AND t.mailbox <> ''))"
)
ASKING: Final[LiteralString] = (
    f"SELECT request_id, account_id FROM support_request t WHERE {_ASKED} AND state <> 'closed' ORDER BY 1"
)
_REQUESTS: Final[LiteralString] = f"SELECT request_id FROM support_request t WHERE {_ASKED}"
_ENDED: Final[LiteralString] = (
    "EXISTS (SELECT FROM subscription s WHERE s.account_id = t.account_id)"
    " AND NOT EXISTS (SELECT FROM subscription s WHERE s.account_id = t.account_id AND s.state <> 'deleted')"
    " AND NOT EXISTS (SELECT FROM invoice i WHERE i.account_id = t.account_id AND i.open_minor > 0)"
)
"""Of an account `t`: nothing of it is served any more, and it owes nothing."""
_LONG_ENDED: Final[LiteralString] = (
    "EXISTS (SELECT FROM account_state a WHERE a.account_id = t.account_id AND a.recorded_at < %(before)s)"
    f" AND {_ENDED}"
)
_THEIRS: Final[LiteralString] = (
    "(lower(t.contact) = ANY(%(mailboxes)s::text[]) OR t.account_id IN"
    " (SELECT account_id FROM account_role WHERE person_id = %(person)s AND role = 'administrator'))"
)
"""An account `t` that is known by one person: its contact, or its administrator."""
NOTE_WITHOUT_ACCOUNT: Final[LiteralString] = f"""
UPDATE person p SET without_account_since = CASE WHEN v.live THEN NULL ELSE %(now)s::timestamptz END
FROM (SELECT person_id, EXISTS (SELECT FROM account_role t WHERE t.person_id = q.person_id AND NOT ({_ENDED})) AS live
    FROM person q) AS v
WHERE p.person_id = v.person_id AND v.live = (p.without_account_since IS NOT NULL)
"""
_OLD_TALK: Final[LiteralString] = (
    "t.state IN ('answered', 'closed') AND t.asked_at < %(before)s AND t.name || t.address <> '-' AND"
    " NOT EXISTS (SELECT FROM support_entry e WHERE e.request_id = t.request_id AND e.at >= %(before)s)"
)
_NEVER_CONFIRMED: Final[LiteralString] = "t.state = 'unconfirmed' AND t.asked_at < %(now)s - interval '30 days'"
_BLANK_REQUEST: Final[LiteralString] = (
    "UPDATE support_request t SET name = '-', address = '', mailbox = '', company = '', known_by = '',"
    " state = CASE WHEN t.state IN ('unconfirmed', 'confirmed') OR t.account_id = 0 THEN 'closed' ELSE t.state END"
)


def _aged(table: LiteralString, kept: timedelta, column: LiteralString) -> Sweep:
    return Sweep(kept, (f"DELETE FROM {table} t WHERE {_SET} AND t.{column} < %(before)s",))


def _day(days: int) -> timedelta:
    return timedelta(days=days)


TABLES: Final[Mapping[str, Kept]] = {
    **dict.fromkeys(
        (
            *("account_state", "fact", "subscription", "invoice", "payment", "entry", "collection_case", "service_end"),
            *("hold", "step", "action", "task", "deletion_day", "payment_method", "attempt", "attempt_part", "refund"),
            *("heartbeat", "card_try", "named_method", "foreign_object", "setup_page"),
        ),
        BOOKS,
    ),
    **dict.fromkeys(("schema_version", "policy", "system_state", "provider_sweep", "retention_sweep"), OURS),
    **dict.fromkeys(("django_migrations", "django_content_type"), FRAMEWORK),
    **dict.fromkeys(("auth_group", "auth_group_permissions", "auth_permission"), FRAMEWORK),
    **dict.fromkeys(("unnumbered", "endpoint", "billing_system"), OURS),
    "service_drift": Kept(
        "until a service says what we say", "where a service says otherwise; accounts by number alone"
    ),
    "event": Kept("as the books", "the order in which facts became known outside; accounts by number alone"),
    "endpoint_secret": Kept("until its endpoint is removed", "signs deliveries; names nobody"),
    "delivery": Kept(
        "30 days after it was taken, or its endpoint was removed",
        "what was delivered; people by number alone",
        sweep=Sweep(
            _day(30),
            (
                f"DELETE FROM delivery t USING endpoint e WHERE {_SET} AND t.moved_at < %(before)s"
                " AND e.endpoint_id = t.endpoint_id AND (t.state = 'acknowledged' OR e.state = 'removed')",
            ),
        ),
    ),
    "api_token": Kept("until it is removed in SQL", "says which program of the operator did what; a digest, no person"),
    "staff": Kept("as the installation", "who of the operator's own decided what"),
    "erasure": Kept("as the installation", "what was erased is erased again after a backup was restored"),
    "erased_mailbox": Kept("as the installation", "who was erased is not written to again; digests alone"),
    "idempotency_key": Kept(
        "30 days", "a program may ask again with the same key", sweep=_aged("idempotency_key", _day(30), "created_at")
    ),
    "account": Kept(
        "as the books; the contact address, the billing address and the tax number until people are forgotten",
        "invoices name the customer",
        f"SELECT account_id, ref, name, country, contact, billing_address, tax_number FROM account t WHERE {_THEIRS}",
        (
            f"UPDATE account t SET billing_address = NULL, tax_number = NULL WHERE {_THEIRS}",
            "UPDATE account SET contact = NULL WHERE lower(contact) = ANY(%(mailboxes)s::text[])",
        ),
        Sweep(
            Chosen.PEOPLE,
            (
                f"UPDATE account t SET contact = NULL, billing_address = NULL, tax_number = NULL WHERE {_SET} AND"
                f" coalesce(t.contact, t.billing_address, t.tax_number) IS NOT NULL AND {_LONG_ENDED}",
            ),
        ),
    ),
    **dict.fromkeys(
        ("bank_file", "bank_statement", "bank_entry", "bank_credit", "bank_part", "bank_doubt", "known_payer"),
        Kept("as the books", "the law on bookkeeping keeps what a bank reported, with the names of who paid"),
    ),
    **dict.fromkeys(("invoice_reference", "invoice_link", "subscription_ref"), BOOKS),
    "document": Kept(
        "as the books", "the law on bookkeeping keeps an invoice as it was sent, with its customer's name"
    ),
    "extra_recipient": Kept(
        "until it is removed, or people are forgotten",
        "is warned too",
        "SELECT account_id, channel, address, name, locale FROM extra_recipient t"
        " WHERE lower(t.address) = ANY(%(mailboxes)s::text[])",
        ("DELETE FROM extra_recipient WHERE lower(address) = ANY(%(mailboxes)s::text[])",),
        Sweep(Chosen.PEOPLE, (f"DELETE FROM extra_recipient t WHERE {_SET} AND {_LONG_ENDED}",)),
    ),
    "mail_report": Kept(
        "180 days",
        "why a message counts as come back",
        "SELECT r.message, r.address, r.how, r.status, r.why, r.report, r.at FROM mail_report r"
        " WHERE lower(r.address) = ANY(%(mailboxes)s::text[])",
        (
            "DELETE FROM mail_report WHERE lower(address) = ANY(%(mailboxes)s::text[])",
            "DELETE FROM mail_report r USING message t WHERE r.message = 'a' || t.account_id || '-' || t.seq || '-'"
            f" || t.no || CASE WHEN t.mark = '' THEN '' ELSE '-' || t.mark END AND {_MINE}",
        ),
        _aged("mail_report", _day(180), "at"),
    ),
    "message": Kept(
        "as the books; its text and subject for the days of texts, then their digest",
        "proves that and when somebody was told",
        "SELECT account_id, seq, no, kind, cause, on_day, channel, address, role, language, subject, body, state,"
        f" reply, code, at, back_at FROM message t WHERE {_MINE} ORDER BY at, account_id, seq, no",
        (
            "UPDATE message t SET address = format('erased-%%s-%%s@erased.invalid', %(erasure)s::bigint,"
            " array_position(%(names)s::text[], t.mailbox)), mailbox = format('erased-%%s-%%s@erased.invalid',"
            " %(erasure)s::bigint, array_position(%(names)s::text[], t.mailbox)), subject = '', reply = '', about = '',"
            f" body = {_DIGEST}, state = CASE t.state WHEN 'waiting' THEN 'dropped' ELSE t.state END WHERE {_MINE}",
            # What others were told by that name or address: who invited them, whose address is the new one.
            f"UPDATE message t SET subject = '', body = {_DIGEST} WHERE t.account_id = ANY(%(accounts)s::bigint[])"
            " AND t.state NOT IN ('waiting', 'claimed') AND EXISTS (SELECT FROM unnest(%(called)s::text[]) AS c (word)"
            " WHERE position(lower(c.word) IN lower(t.subject || ' ' || t.body)) > 0)",
        ),
        Sweep(
            Chosen.TEXTS,
            (
                f"UPDATE message t SET subject = '', reply = '', body = {_DIGEST} FROM (SELECT account_id, seq, no FROM"
                " message WHERE at >= %(until)s AND at < %(before)s ORDER BY at LIMIT %(limit)s) AS v"
                " WHERE t.account_id = v.account_id AND t.seq = v.seq AND t.no = v.no RETURNING t.at",
            ),
            by_time=True,
        ),
    ),
    "dead_address": Kept(
        "a year after nobody uses it",
        "nothing is sent to where nothing arrives",
        "SELECT mailbox, since, why FROM dead_address t WHERE t.mailbox = ANY(%(mailboxes)s::text[])",
        ("DELETE FROM dead_address WHERE mailbox = ANY(%(mailboxes)s::text[])",),
        Sweep(
            _day(365),
            (
                f"DELETE FROM dead_address t WHERE {_SET} AND t.since < %(before)s AND t.mailbox NOT IN"
                " (SELECT sign_in_email FROM person UNION SELECT lower(contact_email) FROM person WHERE contact_email"
                " IS NOT NULL UNION SELECT lower(contact) FROM account WHERE contact IS NOT NULL"
                " UNION SELECT lower(address) FROM extra_recipient)",
            ),
        ),
    ),
    "pay_link": Kept(
        "90 days after its case",
        "pays while the case is open, and then says that all is paid",
        "SELECT account_id, case_no, address, made_at FROM pay_link t WHERE (t.person_id = %(person)s AND t.person_id"
        " > 0) OR (t.person_id = 0 AND lower(t.address) = ANY(%(mailboxes)s::text[]))",
        (
            "DELETE FROM pay_link t WHERE (t.person_id = %(person)s AND t.person_id > 0)"
            " OR (t.person_id = 0 AND lower(t.address) = ANY(%(mailboxes)s::text[]))",
        ),
        Sweep(
            _day(90),
            (
                f"DELETE FROM pay_link t USING collection_case c WHERE {_SET} AND t.made_at < %(before)s"
                " AND c.account_id = t.account_id AND c.no = t.case_no AND c.ended_at < %(before)s",
            ),
        ),
    ),
    "support_entry": Kept(
        "as its request",
        "the conversation",
        "SELECT request_id, no, author, body, at FROM support_entry t"
        f" WHERE t.request_id IN ({_REQUESTS}) ORDER BY 1, 2",
        (f"UPDATE support_entry t SET body = '-' WHERE t.request_id IN ({_REQUESTS})",),
    ),
    "support_link": Kept(
        "90 days",
        "opens a conversation",
        f"SELECT request_id, opens, made_at FROM support_link t WHERE t.request_id IN ({_REQUESTS})",
        (f"DELETE FROM support_link t WHERE t.request_id IN ({_REQUESTS})",),
        _aged("support_link", _day(90), "made_at"),
    ),
    "support_letter": Kept(
        "90 days after it left",
        "mail to people who do not sign in",
        f"SELECT request_id, kind, state, at, reply FROM support_letter t WHERE t.request_id IN ({_REQUESTS})",
        (f"DELETE FROM support_letter t WHERE t.request_id IN ({_REQUESTS})",),
        Sweep(
            _day(90),
            (
                f"DELETE FROM support_letter t WHERE {_SET} AND t.at < %(before)s"
                " AND t.state NOT IN ('waiting', 'claimed')",
            ),
        ),
    ),
    "support_request": Kept(
        "as the books; names, addresses and words for the days of texts after the last word, or 30 days unconfirmed",
        "why time stood still on an account",
        "SELECT request_id, account_id, about, via, state, name, address, company, known_by, locale, asked_at"
        f" FROM support_request t WHERE {_ASKED} ORDER BY 1",
        (f"{_BLANK_REQUEST}, person_id = 0 WHERE {_ASKED}",),
        Sweep(
            Chosen.TEXTS,
            (
                "UPDATE support_entry e SET body = '-' FROM support_request t"
                f" WHERE e.request_id = t.request_id AND e.body <> '-' AND {_SET} AND {_OLD_TALK}",
                f"{_BLANK_REQUEST} WHERE {_SET} AND {_OLD_TALK}",
                "UPDATE support_entry e SET body = '-' FROM support_request t"
                f" WHERE e.request_id = t.request_id AND {_SET} AND {_NEVER_CONFIRMED}",
                f"{_BLANK_REQUEST} WHERE {_SET} AND {_NEVER_CONFIRMED}",
            ),
        ),
    ),
    "throttle": Kept("a day", "counts tries; digests alone", sweep=_aged("throttle", _day(0), "until")),
    "web_cache": Kept("minutes", "one-time codes that were used", sweep=_aged("web_cache", _day(0), "expires")),
    "address_request": Kept(
        "a year",
        "confirms an address; asked for again after 90 days",
        "SELECT account_id, old_address, new_address, asked_at, used_at FROM address_request t"
        " WHERE t.person_id = %(person)s",
        ("DELETE FROM address_request WHERE person_id = %(person)s",),
        _aged("address_request", _day(365), "asked_at"),
    ),
    "sign_in_link": Kept(
        "90 days",
        "lets somebody in",
        "SELECT account_id, kind, address, name, role, asked_at, over_at FROM sign_in_link t"
        " WHERE t.person_id = %(person)s OR t.mailbox = ANY(%(mailboxes)s::text[])",
        (
            "DELETE FROM sign_in_link WHERE person_id = %(person)s OR mailbox = ANY(%(mailboxes)s::text[])"
            " OR (by_person = %(person)s AND by_person > 0 AND over_at IS NULL)",
        ),
        Sweep(_day(90), (f"DELETE FROM sign_in_link t WHERE {_SET} AND coalesce(t.over_at, t.asked_at) < %(before)s",)),
    ),
    "django_session": Kept(
        "12 hours",
        "who is signed in",
        erase=(
            "DELETE FROM django_session WHERE session_key IN"
            " (SELECT session_key FROM sign_in_session WHERE person_id = %(person)s)",
        ),
        # A browser's session lasts by the real clock, in a world with a time of its own too.
        sweep=Sweep(
            _day(0), (f"DELETE FROM django_session t WHERE {_SET} AND t.expire_date < least(%(before)s, now())",)
        ),
    ),
    "sign_in_session": Kept(
        "as its session",
        "a person sees and ends where they are signed in",
        "SELECT began_at, browser, address FROM sign_in_session t WHERE t.person_id = %(person)s",
        ("DELETE FROM sign_in_session WHERE person_id = %(person)s",),
        Sweep(
            _day(1),
            (
                f"DELETE FROM sign_in_session t WHERE {_SET} AND t.began_at < %(before)s"
                " AND NOT EXISTS (SELECT FROM django_session d WHERE d.session_key = t.session_key)",
            ),
        ),
    ),
    "mfa_authenticator": Kept(
        "as its person",
        "a second factor, encrypted",
        "SELECT type, created_at, last_used_at FROM mfa_authenticator t WHERE t.user_id = %(person)s",
        ("DELETE FROM mfa_authenticator WHERE user_id = %(person)s",),
    ),
    "account_emailconfirmation": Kept(
        "never used",
        "the web framework's own",
        erase=(
            "DELETE FROM account_emailconfirmation WHERE email_address_id IN"
            " (SELECT id FROM account_emailaddress WHERE user_id = %(person)s)",
        ),
    ),
    "account_emailaddress": Kept(
        "as its person",
        "the web framework's own",
        "SELECT email, verified FROM account_emailaddress t WHERE t.user_id = %(person)s",
        ("DELETE FROM account_emailaddress WHERE user_id = %(person)s",),
    ),
    "account_role": Kept(
        "until it ends, or people are forgotten",
        "who may see and pay",
        "SELECT account_id, role FROM account_role t WHERE t.person_id = %(person)s",
        ("DELETE FROM account_role WHERE person_id = %(person)s",),
    ),
    "person": Kept(
        "until people are forgotten: so long after their last account that is served or owes",
        "who signs in, and where mail goes",
        "SELECT person_id, sign_in_email, contact_email, display_name, locale, zone, created_at, contact_confirmed_at"
        " FROM person t WHERE t.person_id = %(person)s",
        ("DELETE FROM person WHERE person_id = %(person)s",),
    ),
}
"""By table, in the order in which a person is erased: what refers to them goes first."""
