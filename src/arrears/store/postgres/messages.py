"""Messages, and who can be reached: whole answers for a batch of accounts in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from msgspec.structs import astuple, replace

from arrears.core.address import mailbox_of
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import (
    AddressRequest,
    ContactPerson,
    Contacts,
    Extra,
    SignInLink,
    addresses,
    dead_of,
)
from arrears.ports import (
    NOT_STUCK,
    REPORTS_MAX,
    SEVERAL,
    DeliveryAbout,
    KeptReport,
    Mail,
    MailCounts,
    MailHealth,
    MailMove,
    MailState,
    PayLink,
    StuckMail,
)
from arrears.store.postgres.people import dead_among
from arrears.store.postgres.write import Db, utc

_COLUMNS: Final[LiteralString] = (
    "account_id, seq, no, kind, cause, on_day, address, role, person_id, language, subject, body, state, reply, at,"
    " code, channel, about, mark, handing"
)
PEOPLE: Final[LiteralString] = """
SELECT r.account_id, p.person_id, r.role, p.display_name, p.sign_in_email, coalesce(p.contact_email, ''), p.locale,
    p.zone, p.contact_confirmed_at
FROM account_role r JOIN person p USING (person_id) WHERE r.account_id = ANY(%b) ORDER BY r.account_id, p.person_id
"""
LINKS: Final[LiteralString] = """
SELECT account_id, link_id, coalesce(person_id, 0), address, name, locale, coalesce(role, 'billing_reader'), asked_at
FROM sign_in_link WHERE account_id = ANY(%b) AND over_at IS NULL ORDER BY account_id, link_id
"""
# What is new, and not the second of a kind for its address today; then what waited, or was proven not to have left
# when its sender died, as it would now be written: by whoever has read it, which its mark proves.
CLAIM_NEW: Final[LiteralString] = """
INSERT INTO message (account_id, seq, no, kind, cause, on_day, address, role, person_id, language, subject, body,
    state, reply, at, code, channel, about, mark, handing, mailbox)
SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::text[], %b::text[], %b::date[], %b::text[],
    %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[],
    %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
ON CONFLICT DO NOTHING RETURNING account_id, seq, no
"""
CLAIM_WAITING: Final[LiteralString] = """
UPDATE message m SET state = 'claimed', on_day = v.on_day, subject = v.subject, body = v.body, at = v.at, reply = '',
    code = '', handing = 'queued'
FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::date[], %b::text[], %b::text[], %b::timestamptz[],
        %b::text[])
    AS v (account_id, seq, no, on_day, subject, body, at, mark)
WHERE m.account_id = v.account_id AND m.seq = v.seq AND m.no = v.no AND m.state IN ('waiting', 'claimed')
  AND m.mark = v.mark
  AND NOT EXISTS (SELECT FROM message o WHERE o.account_id = m.account_id AND o.on_day = v.on_day
      AND (o.seq, o.no) <> (m.seq, m.no)
      AND o.kind = m.kind AND o.cause = m.cause AND o.channel = m.channel AND o.mailbox = m.mailbox
      AND o.state NOT IN ('waiting', 'refused', 'dropped'))
RETURNING m.account_id, m.seq, m.no
"""
# One statement, and so one transaction, for each message: what the last one was answered is kept with it.
BEGIN: Final[LiteralString] = """
WITH answered AS (
    UPDATE message m SET handing = v.state, reply = v.reply, code = v.code
    FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::text[], %b::text[], %b::text[])
        AS v (account_id, seq, no, state, reply, code)
    WHERE m.account_id = v.account_id AND m.seq = v.seq AND m.no = v.no AND m.state = 'claimed' AND m.handing = ''
)
UPDATE message SET handing = '' WHERE account_id = %b AND seq = %b AND no = %b
    AND state = 'claimed' AND handing = 'queued'
RETURNING true
"""
# The rows that are returned are those that came back before, as they were: the statement sees what was there.
MOVE: Final[LiteralString] = """
WITH v AS (
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[], %b::text[], %b::text[], %b::text[], %b::text[])
        AS v (account_id, seq, no, state, reply, code, about)
), moved AS (
    UPDATE message m SET state = v.state, reply = v.reply, code = v.code, about = v.about,
        at = CASE WHEN v.state IN ('bounced_hard', 'came_back', 'complained') THEN m.at ELSE %b END,
        back_at = CASE WHEN v.state IN ('bounced_hard', 'came_back', 'complained') THEN %b ELSE m.back_at END
    FROM v
    WHERE m.account_id = v.account_id AND m.seq = v.seq AND m.no = v.no
      AND (m.state NOT IN ('bounced_hard', 'came_back') OR v.state IN ('bounced_hard', 'came_back', 'complained'))
)
SELECT m.account_id, m.seq, m.no, m.state, m.reply, m.code FROM v JOIN message m USING (account_id, seq, no)
WHERE m.state IN ('bounced_hard', 'came_back') AND v.state NOT IN ('bounced_hard', 'came_back', 'complained')
"""
# Addresses that customers typed prove nothing about our mail: only what goes to an account's own people counts, one
# address of an account, and one account of an address.
OWN: Final[LiteralString] = "kind NOT IN ('invitation', 'confirm_address', 'test') AND role <> 'technical'"
COUNTS: Final[LiteralString] = f"""
SELECT (SELECT count(*) FROM message WHERE at > %(hour)s AND state NOT IN ('waiting', 'dropped')),
    (SELECT least(count(DISTINCT mailbox), count(DISTINCT account_id)) FROM message
        WHERE at > %(hour)s AND state NOT IN ('waiting', 'dropped') AND {OWN}),
    (SELECT least(count(DISTINCT mailbox), count(DISTINCT account_id)) FROM message
        WHERE back_at > %(hour)s AND at > %(hour)s AND state = 'bounced_hard' AND {OWN}),
    EXISTS (SELECT FROM task WHERE account_id = 0 AND kind = 'mail_paused' AND closed_seq IS NULL)
"""
HEALTH: Final[LiteralString] = f"""
SELECT greatest((SELECT max(at) FROM message WHERE state = 'accepted' AND at > %(day)s),
        (SELECT max(at) FROM support_letter WHERE state = 'accepted' AND at > %(day)s)),
    handed, back, addresses, addresses_back
FROM (
    SELECT count(*) AS handed, least(count(DISTINCT mailbox) FILTER (WHERE {OWN}),
        count(DISTINCT account_id) FILTER (WHERE {OWN})) AS addresses
    FROM message
    WHERE at > %(hour)s AND state NOT IN ('waiting', 'dropped', 'claimed', 'refused')
) AS left_us, (
    SELECT count(*) AS back, least(count(DISTINCT mailbox) FILTER (WHERE {OWN}),
        count(DISTINCT account_id) FILTER (WHERE {OWN})) AS addresses_back
    FROM message
    WHERE back_at > %(hour)s AND at > %(hour)s AND state IN ('bounced_hard', 'came_back')
) AS did_not_arrive
"""
# Both queues. A server that has taken a message since is not down. One that took nothing for an address may be, where
# nothing has left for a day and it is not one or two addresses of one domain alone.
STUCK: Final[LiteralString] = """
WITH stuck AS MATERIALIZED (
    SELECT channel, about, mailbox, substring(mailbox FROM '[^@]*$') AS domain, reply, at, account_id FROM message
    WHERE state IN ('waiting', 'claimed') AND about <> ''
    UNION ALL
    SELECT 'email', l.about, r.mailbox, substring(r.mailbox FROM '[^@]*$'), l.reply, l.at, 0
    FROM support_letter l JOIN support_request r USING (request_id)
    WHERE l.state IN ('waiting', 'claimed') AND l.about <> ''
), taken AS (
    SELECT channel, max(at) AS taken_at FROM (
        SELECT channel, at FROM message WHERE state = 'accepted' AND at > %(day)s
        UNION ALL SELECT 'email', at FROM support_letter WHERE state = 'accepted' AND at > %(day)s
    ) AS each GROUP BY channel
), of_several AS (
    SELECT channel FROM stuck WHERE about = 'either' GROUP BY channel
    HAVING count(DISTINCT domain) > 1 OR count(DISTINCT mailbox) >= %(several)s
)
SELECT CASE about WHEN 'either' THEN 'server' ELSE about END, count(*), count(DISTINCT domain),
    (array_agg(DISTINCT domain))[1:3], (array_agg(reply ORDER BY reply = '', at DESC, account_id))[1]
FROM stuck LEFT JOIN taken USING (channel)
WHERE about IN ('sender', 'limit') OR (about = 'server' AND (taken_at IS NULL OR at >= taken_at))
    OR (about = 'either' AND taken_at IS NULL AND channel IN (SELECT channel FROM of_several))
GROUP BY 1
"""
COUNTS_TO: Final[LiteralString] = """
SELECT mailbox, kind, count(*) FROM message WHERE mailbox = ANY(%b) AND at > %b AND state NOT IN ('waiting', 'dropped')
GROUP BY mailbox, kind
"""


class PostgresMail:
    """See ports.MailBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def each_alone(self) -> AbstractContextManager[Db]:
        """A connection on which each statement is a transaction of its own."""
        raise NotImplementedError

    def contacts(self, numbers: Sequence[int]) -> Mapping[int, Contacts]:
        """See ports.ContactBook."""
        wanted = [list(numbers)]
        with self.reading() as db, db.pipeline():
            accounts = db.execute(
                "SELECT account_id, ref, name, zone, locale, coalesce(contact, '') FROM account"
                " WHERE account_id = ANY(%b)",
                wanted,
            )
            people = db.execute(PEOPLE, wanted)
            extras = db.execute(
                "SELECT account_id, address, name, locale, channel FROM extra_recipient WHERE account_id = ANY(%b)"
                " ORDER BY account_id, address, channel",
                wanted,
            )
            cards = db.execute(
                "SELECT account_id, no, label FROM payment_method WHERE account_id = ANY(%b)",
                wanted,
            )
            requests = db.execute(
                "SELECT account_id, request_id, person_id, old_address, new_address,"
                " coalesce(used_at, over_at) IS NOT NULL FROM address_request WHERE account_id = ANY(%b)",
                wanted,
            )
            links = db.execute(LINKS, wanted)
            found = _put_together(accounts, people, extras, cards, requests, links)
            every = {address for one in found.values() for address in addresses(one)}
            dead = dead_among(db, every)
        if not dead:
            return found
        return {number: one._replace(dead=dead_of(one, dead)) for number, one in found.items()}

    def mails_of_notices(self, notices: Sequence[tuple[int, int]]) -> Sequence[Mail]:
        """See ports.MailBook."""
        columns = [[account for account, _ in notices], [seq for _, seq in notices]]
        with self.reading() as db:
            found = db.execute(
                f"SELECT {_COLUMNS} FROM message JOIN unnest(%b::bigint[], %b::bigint[]) AS v (account_id, seq)"
                " USING (account_id, seq) ORDER BY account_id, seq, no",
                columns,
            )
            return [_mail(row) for row in found]

    def mails_of(self, account: int) -> Sequence[Mail]:
        """See ports.MailBook."""
        with self.reading() as db:
            found = db.execute(
                f"SELECT {_COLUMNS} FROM message WHERE account_id = %s ORDER BY account_id, seq, no", [account]
            )
            return [_mail(row) for row in found]

    def mails_to(self, address: str, since: datetime) -> Sequence[Mail]:
        """See ports.MailBook."""
        with self.reading() as db:
            found = db.execute(
                f"SELECT {_COLUMNS} FROM message WHERE mailbox = %s AND at >= %s AND state NOT IN"
                " ('waiting', 'claimed', 'refused', 'dropped') ORDER BY at, account_id, seq, no",
                [mailbox_of(address), since],
            )
            return [_mail(row) for row in found]

    def claim_mails(self, mails: Sequence[Mail], links: Sequence[PayLink]) -> Sequence[Mail]:
        """See ports.MailBook."""
        if not mails:
            return []
        with self.transaction() as db:
            columns = [list(column) for column in zip(*map(astuple, mails), strict=True)]
            columns.append([m.mailbox for m in mails])
            granted = set(db.execute(CLAIM_NEW, columns))
            mails = [m for m in mails if m.state is MailState.CLAIMED]
            rest = [m for m in mails if (m.account, m.seq, m.no) not in granted]
            if rest:
                again = [(m.account, m.seq, m.no, m.on_day, m.subject, m.text, m.at, m.mark) for m in rest]
                granted |= set(db.execute(CLAIM_WAITING, [list(column) for column in zip(*again, strict=True)]))
            if links:
                db.execute(
                    "INSERT INTO pay_link (digest, account_id, person_id, address, case_no, made_at) SELECT * FROM"
                    " unnest(%b::bytea[], %b::bigint[], %b::bigint[], %b::text[], %b::integer[], %b::timestamptz[])",
                    [list(column) for column in zip(*links, strict=True)],
                )
        return [m for m in mails if (m.account, m.seq, m.no) in granted]

    def begin_mail(self, mail: Mail, over: Sequence[MailMove]) -> bool:
        """See ports.MailBook."""
        answered = [[move[column] for move in over] for column in range(6)]
        with self.each_alone() as db:
            return db.execute(BEGIN, [*answered, mail.account, mail.seq, mail.no]).fetchone() is not None

    def mail_counts(self, now: datetime, mailboxes: Collection[str]) -> MailCounts:
        """See ports.MailBook."""
        with self.reading() as db:
            row = db.execute(COUNTS, {"hour": now - timedelta(hours=1)}).fetchone()
            assert row is not None
            found = db.execute(COUNTS_TO, [list(mailboxes), now - timedelta(days=1)]) if mailboxes else ()
            handed, to, dead, paused = row
            had = {(a, kind): int(count) for a, kind, count in found}
            return MailCounts(int(handed), int(to), int(dead), bool(paused), had)

    def mail_health(self, now: datetime) -> MailHealth:
        """See ports.MailBook."""
        with self.reading() as db:
            since = {"hour": now - timedelta(hours=1), "day": now - timedelta(days=1)}
            row = db.execute(HEALTH, since).fetchone()
            assert row is not None
            found = db.execute(STUCK, {**since, "several": SEVERAL})
            stuck = {about: StuckMail(n, to, tuple(named), said) for about, n, to, named, said in found}
            open_ = db.execute("SELECT kind, what FROM task WHERE account_id = 0 AND closed_seq IS NULL").fetchall()
        return MailHealth(
            None if row[0] is None else utc(row[0]),
            stuck.get(DeliveryAbout.SERVER, NOT_STUCK),
            stuck.get(DeliveryAbout.SENDER, NOT_STUCK),
            stuck.get(DeliveryAbout.LIMIT, NOT_STUCK),
            int(row[1]),
            int(row[2]),
            int(row[3]),
            int(row[4]),
            {kind: what for kind, what in open_ if kind.startswith("mail_")},
        )

    def keep_report(self, report: KeptReport, now: datetime) -> None:
        """See ports.MailBook."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO mail_report (message, address, how, status, why, report, at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [*report, now],
            )
            if not report.message:
                db.execute(
                    "DELETE FROM mail_report WHERE message = '' AND report_id <= ("
                    "SELECT report_id FROM mail_report WHERE message = '' ORDER BY report_id DESC OFFSET %s LIMIT 1)",
                    [REPORTS_MAX],
                )

    def reports_of(self, message: str) -> Sequence[KeptReport]:
        """See ports.MailBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT message, address, how, status, why, report FROM mail_report WHERE message = %s"
                " ORDER BY report_id",
                [message],
            )
            return [KeptReport(*row) for row in found]

    def renew_address_link(self, request: int, digest: bytes) -> None:
        """See ports.MailBook."""
        with self.transaction() as db:
            db.execute("UPDATE address_request SET digest = %s WHERE request_id = %s", [digest, request])

    def renew_sign_in_link(self, link: int, digest: bytes) -> None:
        """See ports.MailBook."""
        with self.transaction() as db:
            db.execute("UPDATE sign_in_link SET digest = %s WHERE link_id = %s", [digest, link])

    def pay_link(self, digest: bytes) -> PayLink | None:
        """See ports.PayLinkBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT digest, account_id, person_id, address, case_no, made_at FROM pay_link WHERE digest = %s",
                [digest],
            ).fetchone()
        return None if row is None else PayLink(bytes(row[0]), row[1], row[2], row[3], row[4], utc(row[5]))


def move_mails(db: Db, moves: Sequence[MailMove], now: datetime) -> Sequence[MailMove]:
    """See ports.Batch."""
    stayed = db.execute(MOVE, [*(list(column) for column in zip(*moves, strict=True)), now, now])
    return [
        MailMove(account, seq, no, MailState(state), reply, code) for account, seq, no, state, reply, code in stayed
    ]


def _mail(row: Any) -> Mail:
    return replace(mail := Mail(*row), state=MailState(mail.state), at=utc(mail.at))


_ROLES: Final = {"administrator": Role.ADMINISTRATOR, "billing_reader": Role.READER}


def _put_together(
    accounts: Iterable[Any],
    people: Iterable[Any],
    extras: Iterable[Any],
    cards: Iterable[Any],
    requests: Iterable[Any],
    links: Iterable[Any],
) -> dict[int, Contacts]:
    by_account: dict[int, list[ContactPerson]] = defaultdict(list)
    for number, *row in people:
        person = ContactPerson(*row)
        at = None if person.confirmed_at is None else utc(person.confirmed_at)
        by_account[number].append(person._replace(role=_ROLES[person.role], confirmed_at=at))
    more: dict[int, list[Extra]] = defaultdict(list)
    for number, *extra in extras:
        more[number].append(Extra(*extra))
    labels: dict[int, dict[int, str]] = defaultdict(dict)
    for number, no, label in cards:
        labels[number][no] = label
    asked: dict[int, list[AddressRequest]] = defaultdict(list)
    for number, *request in requests:
        asked[number].append(AddressRequest(*request))
    open_links: dict[int, list[SignInLink]] = defaultdict(list)
    for number, *row in links:
        link = SignInLink(*row)
        open_links[number].append(link._replace(role=_ROLES[link.role], asked_at=utc(link.asked_at)))
    return {
        number: Contacts(
            account=number,
            ref=ref,
            name=name,
            zone=zone,
            locale=locale,
            contact=contact,
            people=tuple(by_account[number]),
            extras=tuple(more[number]),
            cards=labels[number],
            requests=tuple(asked[number]),
            links=tuple(open_links[number]),
        )
        for number, ref, name, zone, locale, contact in accounts
    }
