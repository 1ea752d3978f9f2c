"""The reports say what the facts say: against a second computation of each, on a simulated year and a real book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from tests.store import report_oracle as oracle

from arrears.core.reports import COLUMNS, ReceivablesReport
from arrears.sim.simulate import simulate
from arrears.store import schema
from arrears.store.postgres.reports import Period, days_to_recover, figures, lines_of
from arrears.store.postgres.store import PostgresStore

pytestmark = pytest.mark.turn(3)

ACCOUNTS, DAYS, WORLD = 16, 200, 14


@pytest.fixture(scope="module")
def world(database_url: str) -> Iterator[PostgresStore]:
    """Most of a year of people who pay late, in parts, by card, by transfer, never; disputes and returned money."""
    schema.create_scratch(database_url, "reports_test")
    store = PostgresStore(database_url, schema="reports_test", durable=False, clock_is_real=False)
    simulate(store, ACCOUNTS, DAYS, WORLD, full_check_every=DAYS)
    yield store
    store.close()


@pytest.fixture(scope="module")
def period(world: PostgresStore) -> Period:
    """All of it, seen on its last day."""
    with world.transaction() as db:
        [found] = db.execute("SELECT min(at)::date, max(at)::date FROM fact WHERE account_id > 0").fetchall()
    return Period(found[0], found[1], found[1])


@pytest.fixture(scope="module")
def book(world: PostgresStore, period: Period) -> oracle.Book:
    """The same from the facts alone."""
    return oracle.Book({number: world.history(number) for number in range(1, ACCOUNTS + 1)}, period.today)


def shown(store: PostgresStore, report: ReceivablesReport, period: Period) -> oracle.Sums:
    return {(one.group, one.currency): (one.number, one.accounts, one.sums) for one in figures(store, report, period)}


def test_every_report_that_facts_make_says_what_they_say(
    world: PostgresStore, period: Period, book: oracle.Book
) -> None:
    with world.transaction() as db:
        names = dict(db.execute("SELECT version, name FROM policy").fetchall())
    expected = {
        ReceivablesReport.AGEING: oracle.ageing(book),
        ReceivablesReport.RECOVERY: oracle.recovery(book),
        ReceivablesReport.TIME_TO_RECOVER: oracle.time_to_recover(book),
        ReceivablesReport.BY_STEP: oracle.by_step(book),
        ReceivablesReport.BY_POLICY: oracle.by_policy(book, names),
        ReceivablesReport.DAYS_SALES_OUTSTANDING: oracle.days_sales_outstanding(book, period.since),
        ReceivablesReport.FORECAST: oracle.forecast(book),
    }
    assert {report: shown(world, report, period) for report in expected} == expected
    assert all(expected.values())


def test_every_figure_is_the_sum_of_the_accounts_that_it_opens(world: PostgresStore, period: Period) -> None:
    seen = set()
    for report in ReceivablesReport:
        for one in figures(world, report, period):
            every = lines_of(world, report, period, one.group, one.currency, ACCOUNTS)
            first = lines_of(world, report, period, one.group, one.currency, 2)
            rest = lines_of(world, report, period, one.group, one.currency, ACCOUNTS, first[-1].account)
            assert [*first, *rest] == every
            columns = zip(*(line.sums for line in every), strict=True)
            summed = sum(line.number for line in every), len(every), tuple(sum(column) for column in columns)
            assert summed == (one.number, one.accounts, one.sums), (report, one)
            assert len(one.sums) == len(COLUMNS[report])
            seen.add(report)
    assert seen == set(ReceivablesReport)


def test_what_is_cut_by_method_step_decline_or_policy_comes_to_the_same_sum(
    world: PostgresStore, period: Period
) -> None:
    def total(report: ReceivablesReport, column: str) -> dict[str, int]:
        at = [one.name for one in COLUMNS[report]].index(column)
        found: dict[str, int] = {}
        for one in figures(world, report, period):
            found[one.currency] = found.get(one.currency, 0) + one.sums[at]
        return {currency: minor for currency, minor in found.items() if minor}

    came = total(ReceivablesReport.RECOVERY, "recovered")
    assert came
    for report in (
        ReceivablesReport.BY_STEP,
        ReceivablesReport.BY_METHOD,
        ReceivablesReport.BY_DECLINE,
        ReceivablesReport.BY_POLICY,
    ):
        assert total(report, "recovered") == came, report
    for one in figures(world, ReceivablesReport.RECOVERY, period):
        assert one.sums[0] == sum(one.sums[1:]), "what was past due is recovered, credited, written off or open"


def test_days_to_recover_are_those_of_the_debts_that_were_paid_whole(
    world: PostgresStore, period: Period, book: oracle.Book
) -> None:
    days: dict[str, list[int]] = {}
    for debt in book.late():
        took = debt.days_to_pay()
        if took is not None:
            days.setdefault(debt.currency, []).append(took)
    # The smallest number of days in which at least that share was paid.
    expected = [
        (
            currency,
            len(every),
            tuple(sorted(every)[max(0, -(-len(every) * share // 100) - 1)] for share in (25, 50, 75, 90)),
        )
        for currency, every in sorted(days.items())
    ]
    assert [tuple(one) for one in days_to_recover(world, period)] == expected


def test_a_period_takes_what_went_past_due_in_it_and_nothing_else(world: PostgresStore, period: Period) -> None:
    whole = figures(world, ReceivablesReport.RECOVERY, period)
    month = whole[len(whole) // 2].group
    first = date.fromisoformat(f"{month}-01")
    from_then = figures(world, ReceivablesReport.RECOVERY, Period(first, period.until, period.today))
    assert from_then == [one for one in whole if one.group >= month]


def test_a_message_counts_once_and_is_one_of_four_things(world: PostgresStore, period: Period) -> None:
    with world.transaction() as db:
        [(handed,)] = db.execute(
            "SELECT count(*) FROM message WHERE state NOT IN ('waiting', 'claimed', 'dropped')"
        ).fetchall()
    told = figures(world, ReceivablesReport.DELIVERY, period)
    assert sum(one.number for one in told) == sum(sum(one.sums) for one in told) == handed > 0


@pytest.mark.parametrize(("booked_on", "false"), [("the day of the stop", 1), ("the day after", 0)])
def test_a_stop_is_false_where_the_money_had_reached_the_bank_by_that_day(
    world: PostgresStore, period: Period, booked_on: str, false: int
) -> None:
    with world.transaction() as db:
        [(account, stopped, ref)] = db.execute(
            "SELECT f.account_id, ((f.body::jsonb) ->> 'on')::date, p.ref FROM fact f JOIN payment p"
            " ON p.account_id = f.account_id AND p.seq > f.seq WHERE f.kind = 'disabled' ORDER BY 1, 2, p.seq LIMIT 1"
        ).fetchall()
        day = stopped if booked_on == "the day of the stop" else date.fromordinal(stopped.toordinal() + 1)
        db.execute(
            "WITH credit AS (INSERT INTO bank_credit (entry_id, own_iban, currency, amount_minor, booked_on,"
            " bank_reference, reversal, unclear, payer_iban, end_to_end, body, state) VALUES (0, '', 'EUR', 1, %s, '',"
            " false, '', '', '', '{}', 'matched') RETURNING credit_id)"
            " INSERT INTO bank_part SELECT credit_id, 1, %s, %s, 1 FROM credit",
            [day, account, ref],
        )
    month = f"{stopped:%Y-%m}"
    try:
        [one] = [one for one in figures(world, ReceivablesReport.FALSE_STOPS, period) if one.group == month]
        assert one.sums == (false,)
        lines = lines_of(world, ReceivablesReport.FALSE_STOPS, period, month, "", ACCOUNTS)
        assert [line.account for line in lines if line.sums[0]] == [account][:false]
    finally:
        with world.transaction() as db:
            db.execute("DELETE FROM bank_part WHERE ref = %s", [ref])
            db.execute("DELETE FROM bank_credit WHERE body = '{}'")
