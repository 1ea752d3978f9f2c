"""The statements of the reports (`core/reports.py`), each a list of lines `(account_id, part, currency, number, sums)`
that is summed up to figures, or narrowed to one figure and listed by account.

They read the journal and the ledger, so that what a figure says is what the facts say. Parameters: `today`, and the
first and last day on which something was past due (`since`, `until`).
"""

from __future__ import annotations

from typing import Final, LiteralString

from arrears.core.closed import closed
from arrears.core.reports import ReceivablesReport

# Every debt that went past due for the first time in the period, with what became of what was open of it then.
# What account credit pays is recovered too; what has left again is not.
_LATE: Final[LiteralString] = """
past AS (
    SELECT f.account_id, d.debt, f.seq, d.day_0, (f.body::jsonb) -> 'terms' ->> 'policy' AS version,
        (f.body::jsonb) -> 'terms' ->> 'zone' AS zone,
        row_number() OVER (PARTITION BY f.account_id, d.debt ORDER BY f.seq) AS nth
    FROM fact f, LATERAL jsonb_to_recordset((f.body::jsonb) -> 'debts') AS d (debt integer, day_0 date)
    WHERE f.kind = 'became_past_due'
), moved AS (
    SELECT p.account_id, p.debt, p.seq AS since_seq, p.day_0, p.version, p.zone, e.currency, e.seq, e.minor, f.at,
        CASE WHEN f.kind IN ('payment_booked', 'credit_allocated') THEN 'recovered'
            WHEN f.kind = 'debt_reopened' THEN
                CASE WHEN coalesce(((f.body::jsonb) ->> 'given_up')::boolean, false) THEN 'written_off'
                ELSE 'recovered' END
            WHEN f.kind = 'invoice_credited' THEN 'credited'
            WHEN f.kind = 'written_off' THEN 'written_off' END AS how
    FROM past p JOIN entry e USING (account_id, debt)
    JOIN fact f ON f.account_id = e.account_id AND f.seq = e.seq
    WHERE p.nth = 1 AND p.day_0 BETWEEN %(since)s AND %(until)s AND e.ledger = 'receivable'
), late AS (
    SELECT account_id, debt, currency, day_0, version, zone, since_seq,
        coalesce(sum(minor) FILTER (WHERE seq < since_seq), 0)::bigint AS past_due,
        coalesce(-sum(minor) FILTER (WHERE seq > since_seq AND how = 'recovered'), 0)::bigint AS recovered,
        coalesce(-sum(minor) FILTER (WHERE seq > since_seq AND how = 'credited'), 0)::bigint AS credited,
        coalesce(-sum(minor) FILTER (WHERE seq > since_seq AND how = 'written_off'), 0)::bigint AS written_off,
        sum(minor)::bigint AS open,
        (max(at) FILTER (WHERE how = 'recovered' AND minor < 0) AT TIME ZONE zone)::date AS paid_on
    FROM moved GROUP BY account_id, debt, currency, day_0, version, zone, since_seq
)
"""

# Each sum that came for such a debt since, and each that has left again, where and how it came.
_CAME: Final[LiteralString] = """
, came AS (
    SELECT account_id, debt, currency, seq, -minor AS minor FROM moved WHERE seq > since_seq AND how = 'recovered'
)
"""

# A payment is named after its provider and the provider's own reference of the attempt.
_TAKEN: Final[LiteralString] = "a.state = 'paid' AND right(p.ref, length(a.ref) + 1) = ':' || a.ref"

_SUMS: Final[LiteralString] = "ARRAY[past_due, recovered, credited, written_off, open]"

_AGE: Final[LiteralString] = """CASE WHEN %(today)s <= due_on THEN 'not_due' WHEN %(today)s - due_on <= 30 THEN '1-30'
    WHEN %(today)s - due_on <= 60 THEN '31-60' WHEN %(today)s - due_on <= 90 THEN '61-90' ELSE '91+' END"""

_HELD: Final[LiteralString] = """EXISTS (SELECT FROM hold h WHERE h.account_id = i.account_id AND h.scope = 'debt'
    AND h.target = i.no AND h.ended_at IS NULL AND (h.until IS NULL OR h.until >= %(today)s))"""

# What of a debt that was open so many days after day 0 came in the days that followed, where those are over.
_RATES: Final[LiteralString] = """
, aged AS (
    SELECT m.account_id, m.debt, m.currency, a.part,
        sum(m.minor) FILTER (WHERE (m.at AT TIME ZONE m.zone)::date <= m.day_0 + a.days) AS then_open,
        -coalesce(sum(m.minor) FILTER (WHERE m.how = 'recovered' AND (m.at AT TIME ZONE m.zone)::date
            BETWEEN m.day_0 + a.days + 1 AND m.day_0 + a.days + 30), 0) AS came
    FROM moved m, (VALUES ('1-30', 0), ('31-60', 30), ('61-90', 60), ('91+', 90)) AS a (part, days)
    WHERE m.day_0 + a.days + 30 < %(today)s
    GROUP BY m.account_id, m.debt, m.currency, a.part
), rate AS (
    SELECT currency, part, greatest(least(sum(came) / nullif(sum(then_open), 0), 1), 0) AS share
    FROM aged WHERE then_open > 0 GROUP BY currency, part
)
"""

LINES: Final[dict[ReceivablesReport, LiteralString]] = closed(
    "the statement of each report",
    ReceivablesReport,
    {
        ReceivablesReport.AGEING: f"""SELECT i.account_id, {_AGE} AS part, i.currency, 1 AS number,
            ARRAY[i.open_minor, CASE WHEN {_HELD} THEN i.open_minor ELSE 0 END] AS sums
            FROM invoice i WHERE i.open_minor > 0""",
        ReceivablesReport.RECOVERY: f"""WITH {_LATE} SELECT account_id, to_char(day_0, 'YYYY-MM') AS part, currency,
            1 AS number, {_SUMS} AS sums FROM late""",
        ReceivablesReport.TIME_TO_RECOVER: f"""WITH {_LATE} SELECT account_id,
            CASE WHEN paid_on <= day_0 THEN '0' WHEN paid_on - day_0 <= 3 THEN '1-3'
                WHEN paid_on - day_0 <= 7 THEN '4-7'
                WHEN paid_on - day_0 <= 14 THEN '8-14' WHEN paid_on - day_0 <= 21 THEN '15-21'
                WHEN paid_on - day_0 <= 30 THEN '22-30' WHEN paid_on - day_0 <= 60 THEN '31-60'
                WHEN paid_on - day_0 <= 90 THEN '61-90' ELSE '91+' END AS part,
            currency, 1 AS number, ARRAY[recovered] AS sums FROM late WHERE open = 0 AND recovered > 0""",
        ReceivablesReport.BY_STEP: f"""WITH {_LATE} {_CAME} SELECT c.account_id,
            coalesce(s.kind || CASE WHEN s.kind ~ '^(remind|warn_)' THEN ' ' || s.rung ELSE '' END, '') AS part,
            c.currency, 1 AS number, ARRAY[c.minor] AS sums
            FROM came c LEFT JOIN LATERAL (SELECT kind, rung FROM step WHERE account_id = c.account_id AND seq < c.seq
                AND NOT skipped AND kind ~ '^(remind|warn_|restrict|disable|delete)'
                ORDER BY seq DESC, rung DESC, kind LIMIT 1
            ) s ON true""",
        ReceivablesReport.BY_METHOD: f"""WITH {_LATE} {_CAME} SELECT c.account_id,
            CASE WHEN f.kind = 'credit_allocated' THEN 'account_credit' WHEN f.kind = 'debt_reopened' THEN 'left_again'
                WHEN b.credit_id IS NOT NULL THEN 'transfer' WHEN a.on_page THEN 'page'
                WHEN a.no IS NOT NULL THEN coalesce(m.kind, 'page') ELSE 'reported' END AS part,
            c.currency, 1 AS number, ARRAY[c.minor] AS sums
            FROM came c JOIN fact f ON f.account_id = c.account_id AND f.seq = c.seq
            LEFT JOIN payment p ON p.account_id = c.account_id AND p.seq = c.seq
            LEFT JOIN bank_part b ON b.ref = p.ref
            LEFT JOIN attempt a ON a.account_id = p.account_id AND {_TAKEN}
            LEFT JOIN payment_method m ON m.account_id = a.account_id AND m.no = a.method""",
        ReceivablesReport.BY_DECLINE: f"""WITH {_LATE} SELECT l.account_id, coalesce(d.decline, '') AS part, l.currency,
            1 AS number, {_SUMS} AS sums FROM late l LEFT JOIN LATERAL (
                SELECT a.decline FROM attempt_part p JOIN attempt a ON a.account_id = p.account_id AND a.no = p.attempt
                WHERE p.account_id = l.account_id AND p.debt = l.debt AND a.state = 'declined' ORDER BY a.no LIMIT 1
            ) d ON true""",
        ReceivablesReport.BY_POLICY: f"""WITH {_LATE} SELECT account_id, coalesce(p.name, version) AS part, currency,
            1 AS number, {_SUMS} AS sums FROM late LEFT JOIN policy p USING (version)""",
        # A stop was false where what ends it had reached the bank, or was being taken, before the day was over.
        ReceivablesReport.FALSE_STOPS: f"""WITH stop AS (
                SELECT account_id, seq, (body::jsonb) ->> 'subscription' AS subscription, at,
                    ((body::jsonb) ->> 'on')::date AS on_day
                FROM fact WHERE kind = 'disabled' AND ((body::jsonb) ->> 'on')::date BETWEEN %(since)s AND %(until)s
            )
            SELECT s.account_id, to_char(s.on_day, 'YYYY-MM') AS part, '' AS currency, 1 AS number,
                ARRAY[(EXISTS (SELECT FROM payment p JOIN bank_part b ON b.ref = p.ref AND NOT b.undone
                        JOIN bank_credit c USING (credit_id)
                        WHERE p.account_id = s.account_id AND p.seq > s.seq AND c.booked_on <= s.on_day)
                    OR EXISTS (SELECT FROM payment p JOIN attempt a ON a.account_id = p.account_id AND {_TAKEN}
                        WHERE p.account_id = s.account_id AND p.seq > s.seq AND a.created_at < s.at)
                )::integer::bigint] AS sums
            FROM stop s""",
        ReceivablesReport.DELIVERY: """SELECT account_id, kind AS part, '' AS currency, 1 AS number,
            ARRAY[(state IN ('accepted', 'complained'))::integer, (state IN ('came_back', 'bounced_hard'))::integer,
                (state = 'refused')::integer, (state = 'unknown')::integer]::bigint[] AS sums
            FROM message WHERE state NOT IN ('waiting', 'claimed', 'dropped')
                AND on_day BETWEEN %(since)s AND %(until)s""",
        # Each entry counts in the months at whose end it stood, and as billed in those that it lies before by 90 days.
        ReceivablesReport.DAYS_SALES_OUTSTANDING: """WITH months AS (
                SELECT m::date AS first, least((m + interval '1 month')::date, %(today)s + 1) AS next
                FROM generate_series(date_trunc('month', %(since)s::date), %(today)s, interval '1 month') m
            ), entries AS (
                SELECT e.account_id, e.currency, (f.at AT TIME ZONE 'UTC')::date AS on_day,
                    sum(e.minor)::bigint AS minor,
                    sum(e.minor) FILTER (WHERE f.kind = 'invoice_issued')::bigint AS billed
                FROM entry e JOIN fact f USING (account_id, seq) WHERE e.ledger = 'receivable'
                GROUP BY e.account_id, e.currency, 3
            )
            SELECT account_id, to_char(first, 'YYYY-MM') AS part, currency, 1 AS number, ARRAY[
                sum(minor)::bigint, coalesce(sum(billed) FILTER (WHERE on_day >= next - 90), 0)::bigint] AS sums
            FROM months JOIN entries ON on_day < next GROUP BY account_id, first, currency
            HAVING sum(minor) <> 0 OR coalesce(sum(billed) FILTER (WHERE on_day >= next - 90), 0) <> 0""",
        ReceivablesReport.FORECAST: f"""WITH {_LATE} {_RATES} SELECT i.account_id, i.part, i.currency, 1 AS number,
            ARRAY[i.open_minor, round(i.open_minor * coalesce(r.share, 0))::bigint] AS sums
            FROM (SELECT i.account_id, i.currency, i.open_minor, CASE WHEN %(today)s - i.day_0 < 30 THEN '1-30'
                    WHEN %(today)s - i.day_0 < 60 THEN '31-60' WHEN %(today)s - i.day_0 < 90 THEN '61-90'
                    ELSE '91+' END AS part
                FROM invoice i WHERE i.open_minor > 0 AND i.day_0 IS NOT NULL) i
            LEFT JOIN rate r ON r.currency = i.currency AND r.part = i.part""",
    },
)

QUANTILES: Final[LiteralString] = f"""WITH {_LATE} SELECT currency, count(*),
    percentile_disc(ARRAY[0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY greatest(paid_on - day_0, 0))
    FROM late WHERE open = 0 AND recovered > 0 GROUP BY currency ORDER BY currency"""
"""How many debts were paid whole, and in how many days a quarter, half, three quarters and nine tenths of them."""
