"""Whatever somebody changes in the database by hand is named by `check`; where a cut rests on it, a run refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import pytest
from tests.store.contract import API, DAY_1, at, invoice, open_book, owing_book, payment
from tests.stories.story import Hands, Mail

from arrears.core.account import ALL_STOPS, DoubtKind, HoldScope
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.commands.corrections import rename_ref
from arrears.engine.doubting import raise_doubt
from arrears.engine.run import run
from arrears.sim.stage import Stage
from arrears.store import schema
from arrears.store.postgres.check import check_book, check_store
from arrears.store.postgres.derived import TABLES
from arrears.store.postgres.installation import PolicyVersions
from arrears.store.postgres.queries import open_tasks
from arrears.store.postgres.shape import SchemaRules, shape_of_files
from arrears.store.postgres.store import PostgresStore

TODAY: Final = at(33) - timedelta(hours=1)
"""An hour before the end of day 30: account 1 is disabled then, account 2 has paid, 3 is held, 4 was disabled."""


@pytest.fixture(scope="module")
def book(database_url: str) -> Iterator[PostgresStore]:
    schema.create_scratch(database_url, "tampering")
    store = PostgresStore(database_url, schema="tampering", durable=False, clock_is_real=False)
    stage = Stage(store, Mail(), Hands(), at(1))
    numbers = open_book(store, 4)
    commands.issue_invoices(store, [invoice(n, f"I{n}") for n in numbers[:3]], at(1), API)
    commands.issue_invoices(store, [invoice(4, "I4")], at(1), API)
    commands.report_decline(store, 4, [1], at(1, 1), API)
    stage.until(at(10))
    with store.transaction() as db:
        db.execute(back_up("of_day_10").encode())
    commands.record_payments(store, [payment(2, "P2")], at(10), API)
    stage.until(at(12))
    commands.hold(
        store, 3, scope=HoldScope.ACCOUNT, target=0, stops=ALL_STOPS, reason="asked", until=DAY_1 + timedelta(days=60),
        now=at(12), author="staff:1",
    )  # fmt: skip
    commands.hold(
        store, 2, scope=HoldScope.ACCOUNT, target=0, stops=ALL_STOPS, reason="asked", until=DAY_1 + timedelta(days=60),
        now=at(12), author="staff:1",
    )  # fmt: skip
    commands.release(store, 2, 1, at(13), "staff:1", "agreed")
    commands.record_payments(store, [payment(2, "P3")], at(13), API)
    raise_doubt(store, 2, DoubtKind.FEED, "feed:1", at(13), API, "a change could not be taken")
    rename_ref(store, ref_of(store, 2), "renamed", at(13), "staff:1", "merged")
    stage.until(TODAY)
    assert {n: a.subscriptions[0].state for n, a in store.snapshots(numbers).items()} == {
        1: State.PAST_DUE, 2: State.ACTIVE, 3: State.PAST_DUE, 4: State.DISABLED,
    }  # fmt: skip
    yield store
    store.close()


@pytest.fixture(scope="module")
def rules(book: PostgresStore) -> SchemaRules:
    with book.transaction() as db:
        return shape_of_files(db)


def ref_of(store: PostgresStore, number: int) -> str:
    return store.described([number])[number].ref


FREE: Final = "ALTER TABLE fact DISABLE TRIGGER USER; ALTER TABLE entry DISABLE TRIGGER USER; "
STATE: Final = "UPDATE account_state SET "
ONE: Final = " WHERE account_id = 1"
BOUND: Final = "ALTER TABLE fact ENABLE TRIGGER USER; ALTER TABLE entry ENABLE TRIGGER USER"
WARNED: Final = ONE + " AND seq = (SELECT max(seq) FROM step WHERE account_id = 1 AND kind = 'warn_disable')"
ALL_OF_ONE: Final = "".join(
    f"DELETE FROM {table} WHERE account_id = 1; "
    for table in ("fact", "account_state", "entry", "invoice", "subscription", "action", "step", "collection_case")
)


def on_each_table(*statements: str) -> str:
    """One statement that runs these for each table with accounts, `%I` its name; no trigger of it sees that."""
    all_of = ("ALTER TABLE %I DISABLE TRIGGER USER", *statements, "ALTER TABLE %I ENABLE TRIGGER USER")
    runs = "".join(f"EXECUTE replace('{one}', '%I', quote_ident(name));\n" for one in all_of)
    return (
        "DO $$ DECLARE name text;\nBEGIN FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a"
        " ON a.attrelid = c.oid AND a.attname = 'account_id' WHERE c.relkind = 'r' AND"
        f" c.relnamespace = current_schema()::regnamespace LOOP\n{runs}END LOOP;\nEND $$"
    )


GONE: Final = "DELETE FROM %I WHERE account_id = 1"


def back_up(aside: str) -> str:
    """The statements that keep account 1 in a schema of this name, as it is now."""
    kept = on_each_table(f"CREATE TABLE {aside}.%I AS SELECT * FROM %I WHERE account_id = 1")
    return f"DROP SCHEMA IF EXISTS {aside} CASCADE; CREATE SCHEMA {aside}; {kept}"


def put_back(aside: str) -> str:
    """The statement that puts it back from there."""
    return on_each_table(GONE, f"INSERT INTO %I OVERRIDING SYSTEM VALUE SELECT * FROM {aside}.%I")


CHANGES: Final = {
    "a promised day in a warning": FREE + "UPDATE fact SET body = replace(body, '2026-02-01', '2026-01-20')" + ONE,
    "the author of a fact": FREE + "UPDATE fact SET author = 'staff:9'" + ONE + " AND seq = 3",
    "the instant of a fact": FREE + "UPDATE fact SET at = at - interval '1 day'" + ONE + " AND seq = 5",
    "the last fact": FREE + "DELETE FROM fact" + ONE + " AND seq = (SELECT seq FROM account_state" + ONE + ")",
    "the first fact": FREE + "DELETE FROM fact" + ONE + " AND seq = 1",
    "the hash of a fact": FREE + "UPDATE fact SET hash = sha256(hash)" + ONE + " AND seq = 4",
    "a fact in the middle": FREE + "DELETE FROM fact WHERE account_id = 1 AND seq = 4",
    "the last fact and its place": FREE
    + "DELETE FROM fact WHERE account_id = 1 AND seq = (SELECT seq FROM account_state" + ONE + "); "
    + STATE + "seq = seq - 1" + ONE,
    "a warning accepted earlier": STATE + "state = replace(state, '2026-01-23T', '2026-01-10T')" + ONE,
    "the head": STATE + "head = sha256(head)" + ONE,
    "the next look, far away": STATE + "next_at = '2030-01-01'" + ONE,
    "the next look, never": STATE + "next_at = NULL" + ONE,
    "what waits": STATE + "waits = NOT waits" + ONE,
    "the seal": STATE + "seal = seal + 1" + ONE,
    "the seal of the journal": STATE + "journal = journal + 1" + ONE,
    "the instant of the newest fact": STATE + "recorded_at = '2027-06-01'" + ONE,
    "a policy, a day earlier": "UPDATE policy SET body = replace(body, 'after_days = 30', 'after_days = 29')",
    "a policy, a shorter lead": "UPDATE policy SET body = replace(body, 'lead_days = 7', 'lead_days = 1')",
    "a policy's name": "UPDATE policy SET name = 'other'",
    "a policy that nobody adopted": "INSERT INTO policy (version, name, body) SELECT 'x', 'x', body FROM policy",
    "the total of an invoice": "UPDATE invoice SET total_minor = 99999" + ONE,
    "the total of a paid invoice": "UPDATE invoice SET total_minor = 99999 WHERE account_id = 2",
    "what is open of an invoice": "UPDATE invoice SET open_minor = 1" + ONE,
    "the number of an invoice": "UPDATE invoice SET number = 'X'" + ONE,
    "the due date of an invoice": "UPDATE invoice SET due_on = '2026-12-28'" + ONE,
    "day 0 of an invoice": "UPDATE invoice SET day_0 = day_0 - 5" + ONE,
    "the zone of an account": "UPDATE account SET zone = 'Pacific/Kiritimati'" + ONE,
    "the policy of an account": "UPDATE account SET policy = 'other'" + ONE,
    "how an account pays": "UPDATE account SET mode = 'invoice'" + ONE,
    "the zone of a case": "UPDATE collection_case SET zone = 'Pacific/Kiritimati'" + ONE,
    "a case, closed": "UPDATE collection_case SET outcome = 'settled', ended_at = now()" + ONE,
    "a case, begun earlier": "UPDATE collection_case SET opened_on = opened_on - 9" + ONE,
    "a case that was closed": "UPDATE collection_case SET outcome = 'written_off' WHERE account_id = 2",
    "the state of a subscription": "ALTER TABLE subscription DISABLE TRIGGER USER; "
    "UPDATE subscription SET state = 'active', reasons = ''" + ONE,
    "the day of a subscription": "UPDATE subscription SET disable_on = '2027-01-01'" + ONE,
    "both sides of an entry": FREE + "UPDATE entry SET minor = sign(minor) * 9000" + ONE,
    "one side of an entry": FREE + "UPDATE entry SET minor = 9000 WHERE account_id = 1 AND ledger = 'receivable'",
    "entries and the invoice": FREE + "UPDATE entry SET minor = sign(minor) * 9000" + ONE
    + "; UPDATE invoice SET open_minor = 9000" + ONE,
    "no entries": FREE + "DELETE FROM entry" + ONE,
    "a payment": "UPDATE payment SET amount_minor = amount_minor + 1",
    "the name of a payment": "UPDATE payment SET ref = 'P9' WHERE ref = 'P2'",
    "a hold, longer": "UPDATE hold SET until = until + 30",
    "a step, gone": "DELETE FROM step WHERE account_id = 1 AND rung = 28",
    "a step, another day": "UPDATE step SET promised_on = '2026-01-01' WHERE account_id = 1 AND rung = 28",
    "an action, gone": "DELETE FROM action WHERE account_id = 1 AND seq = (SELECT max(seq) FROM action" + ONE + ")",
    "an action of nobody": "INSERT INTO action VALUES (1, 2, 'order', 1, 7, 'disable', 'recorded', 0)",
    "a notice that is done, set back": "UPDATE action SET status = 'recorded' WHERE account_id = 1 AND kind = 'notice'",
    "an order that is done, set back": "UPDATE action SET status = 'recorded' WHERE account_id = 4 AND kind = 'order'",
    "another order": "UPDATE action SET what = 'delete' WHERE account_id = 4 AND kind = 'order'",
    "the trigger of the journal": "DROP TRIGGER fact_append_only ON fact",
    "the trigger of the edges": "ALTER TABLE subscription DISABLE TRIGGER subscription_edges",
    "the trigger of the balance": "DROP TRIGGER entry_balances ON entry",
    "what a trigger does": "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS $$BEGIN RETURN NULL;END$$",
    "the index of what is due": "DROP INDEX account_state_due",
    "the index of steps": "DROP INDEX step_once",
    "the key of payments": "ALTER TABLE payment DROP CONSTRAINT payment_ref_key",
    "the last tick, in the future": "UPDATE system_state SET last_tick_at = '2027-06-01'",
    "the last complete run, after the last one": "UPDATE system_state SET complete_run_at = '2027-06-01'",
    "the limits of the provider": "UPDATE system_state SET limits = 'x'",
    "the doubt about the clock": "UPDATE system_state SET clock_suspect = true",
    "a fact of the installation": FREE + "UPDATE fact SET why = 'x' WHERE account_id = 0 AND seq = 1",
    "the last fact of the installation": FREE + "DELETE FROM fact WHERE account_id = 0",
    "what an account is called": "UPDATE account SET ref = 'other'" + ONE,
    "what two accounts are called, exchanged": "UPDATE account SET ref = 'x' || ref WHERE account_id IN (1, 3); "
    + "UPDATE account SET ref = 'A3'" + ONE + "; UPDATE account SET ref = 'A1' WHERE account_id = 3",
    "a whole account": FREE + ALL_OF_ONE + "DELETE FROM account" + ONE,
    "a whole account, and no trigger is off": FREE + ALL_OF_ONE + "DELETE FROM account" + ONE + "; " + BOUND,
    "the stops of a hold": "UPDATE hold SET stops = 'remind'",
    "a hold, over": "UPDATE hold SET ended_at = now()",
    "the end of a service": "UPDATE service_end SET delete_on = delete_on - 30",
    "the end of a service, gone": "DELETE FROM service_end",
    "an order that nobody was given, struck off": FREE + "INSERT INTO action SELECT account_id, seq + 100, kind,"
    " subscription, order_no + 1, what, 'done', tries FROM action WHERE account_id = 4 AND kind = 'order'",
    "a letter, to be sent again": "UPDATE message SET state = 'waiting'" + ONE,
    "an account, gone from every table": on_each_table(GONE),
    "an account, as a backup of day 10 had it": put_back("of_day_10"),
    "the next look, later": STATE + "next_at = next_at + interval '1 day'" + ONE,
    "the next look and the last fact, later": STATE + "next_at = '2026-03-01', recorded_at = '2026-02-28'" + ONE,
    "the trigger of the heartbeat": "DROP TRIGGER heartbeat_append_only ON heartbeat",
    "a letter, gone": "DELETE FROM message" + WARNED,
    "a letter that was taken, refused": "UPDATE message SET state = 'refused'" + WARNED,
    "the text of a letter": "UPDATE message SET body = body || '.'" + WARNED,
    "the address of a letter": "UPDATE message SET address = 'nobody@example.org'" + WARNED,
    "the kind of a letter": "UPDATE message SET kind = 'reminder', cause = 'x'" + WARNED,
    "the day of a letter": "UPDATE message SET on_day = on_day - 3" + WARNED,
    "a letter that came back": "UPDATE message SET state = 'came_back'" + WARNED,
    "a letter that nobody asked for": "UPDATE message SET seq = 2" + WARNED,
    "a hold that is over, gone": "DELETE FROM hold WHERE account_id = 2",
    "the scope of a hold that is over": "UPDATE hold SET scope = 'debt' WHERE account_id = 2",
    "a hold of nobody": "INSERT INTO hold SELECT account_id, 1, 'account', 0, 'remind', 'x', now(), NULL, NULL"
    " FROM account" + ONE,
    "the end of a service that has none": "INSERT INTO service_end"
    " SELECT 1, subscription, generation, stopped_on, ended_on, delete_on, NULL, false, NULL FROM service_end",
    "a task, gone": "DELETE FROM task WHERE account_id = 2",
    "a task, closed": "UPDATE task SET closed_seq = last_seq + 1 WHERE account_id = 2",
    "a task, closed by itself": "UPDATE task SET closed_seq = seq WHERE account_id = 2",
    "a task of nobody": "INSERT INTO task (account_id, seq, kind, what, last_seq) VALUES (1, 2, 'deferred', 'x', 2)",
    "a task of the installation that nobody asked for": "INSERT INTO task (account_id, seq, kind, what, last_seq)"
    " VALUES (0, 1, 'mail_paused', 'x', 1)",
    "what an account that was renamed is called": "UPDATE account SET ref = 'other' WHERE account_id = 2",
    "the ledger of an entry": FREE + "UPDATE entry SET ledger = 'credit' WHERE account_id = 1 AND ledger = 'revenue'",
    "when a case ended": "UPDATE collection_case SET ended_at = ended_at - interval '1 day' WHERE account_id = 2",
    "the policy of a case": "UPDATE collection_case SET policy = 'x'" + ONE,
    "day 0 of a paid invoice": "UPDATE invoice SET day_0 = day_0 - 5 WHERE account_id = 2",
    "what may not be left out": "ALTER TABLE account_state ALTER head DROP NOT NULL",
    "what is refused": "ALTER TABLE attempt DROP CONSTRAINT attempt_state_check",
    "what nothing is": "ALTER TABLE action ALTER status SET DEFAULT 'done'",
    "a trigger of somebody": "CREATE TRIGGER a_swallow BEFORE INSERT ON payment"
    " FOR EACH ROW EXECUTE FUNCTION refuse_edge()",
    "a rule of somebody": "CREATE RULE no_tasks AS ON INSERT TO task DO INSTEAD NOTHING",
    "rows that are hidden": "ALTER TABLE service_end ENABLE ROW LEVEL SECURITY",
    "a column of somebody": "ALTER TABLE invoice ADD COLUMN note text",
    "a constraint of somebody": "ALTER TABLE message ADD CHECK (no < 1000)",
    "what is read as the journal of an account": "CREATE OR REPLACE VIEW account_fact AS SELECT * FROM fact",
    "an account without its row": "DELETE FROM account" + ONE,
    "an account without its state": FREE + "DELETE FROM account_state" + ONE,
    "what a day has granted, more": "INSERT INTO deletion_day VALUES ('2026-02-01', 1)",
}  # fmt: skip


SAYS: Final = {
    "a promised day in a warning": "account 1: fact 5 is not what was hashed",
    "the author of a fact": "account 1: fact 3 is not what was hashed",
    "the instant of a fact": "account 1: fact 5 is not what was hashed",
    "the last fact": "account 1: the state is at fact 17, the journal is not",
    "the first fact": "account 1: fact 2 is not what was hashed",
    "the hash of a fact": "account 1: fact 4 is not what was hashed",
    "a fact in the middle": "account 1: the state is at fact 17, the journal is not",
    "the last fact and its place": "account 1: the head is not the hash of the last fact",
    "a warning accepted earlier": "account 1: folding the facts does not give the stored text of the state",
    "the head": "account 1: the head is not the hash of the last fact",
    "the next look, far away": "account 1: something is due before its next look",
    "the next look, never": "account 1: something is due before its next look",
    "what waits": "account 1: whether it waits for a doubt is not what the state says",
    "the seal": "account 1: the seal of its state is not that of this state",
    "the seal of the journal": "account 1: the seal of its state is not that of this state",
    "the instant of the newest fact": "account 1: the instant of its newest look is neither a run's nor that of a fact",
    "a policy, a day earlier": "the text of policy default is not the one that was adopted",
    "a policy, a shorter lead": "the text of policy default is not the one that was adopted",
    "a policy's name": "the text of policy other is not the one that was adopted",
    "a policy that nobody adopted": "policy x (x) is not in both the journal and the table of policies",
    "the total of an invoice": "account 1: the row of invoice 1 is not what the journal says",
    "the total of a paid invoice": "account 2: the row of invoice 1 is not what the journal says",
    "what is open of an invoice": "account 1: what is open of invoice 1 is not what its entries add up to",
    "the number of an invoice": "account 1: the row of invoice 1 is not what the journal says",
    "the due date of an invoice": "account 1: the row of invoice 1 is not what the journal says",
    "day 0 of an invoice": "account 1: the row of invoice 1 is not what the state says",
    "the zone of an account": "account 1: the row of the account has terms that nobody gave it",
    "the policy of an account": "account 1: the row of the account has terms that nobody gave it",
    "how an account pays": "account 1: the row of the account has terms that nobody gave it",
    "the zone of a case": "account 1: the row of case 1 is not what the journal says",
    "a case, closed": "account 1: the row of case 1 is not what the journal says",
    "a case, begun earlier": "account 1: the row of case 1 is not what the journal says",
    "a case that was closed": "account 2: the row of case 1 is not what the journal says",
    "the state of a subscription": "account 1: the row of subscription 1 is not what the state says",
    "the day of a subscription": "account 1: the row of subscription 1 is not what the state says",
    "both sides of an entry": "account 1: what is open of invoice 1 is not what its entries add up to",
    "one side of an entry": "account 1: the entries of fact 3 do not add up to nothing",
    "entries and the invoice": "account 1: the row of invoice 1 is not what the state says",
    "no entries": "account 1: what is open of invoice 1 is not what its entries add up to",
    "a payment": "account 2: the payment of fact 12 is not what the bank's ledger took",
    "the name of a payment": "account 2: the row of payment 12 is not what the journal says",
    "a hold, longer": "account 3: the row of hold 1 is not what the journal says",
    "a step, gone": "account 1: the row of step 16 is not what the journal says",
    "a step, another day": "account 1: the row of step 16 is not what the journal says",
    "an action, gone": "account 1: fact 16 and the actions do not agree",
    "an action of nobody": "account 1: fact 2 and the actions do not agree",
    "a notice that is done, set back": "account 1: the notice of fact 6 is done, and stands to be done again",
    "an order that is done, set back": "account 4: the order of fact 19 is done, and stands to be done again",
    "another order": "account 4: the row of action 19 is not what the journal says",
    "the trigger of the journal": "the trigger fact_append_only is gone",
    "the trigger of the edges": "the trigger subscription_edges is another one or switched off",
    "the trigger of the balance": "the trigger entry_balances is gone",
    "what a trigger does": "the function refuse_change is another one",
    "the index of what is due": "the index account_state_due is gone",
    "the index of steps": "the index step_once is gone",
    "the key of payments": "the index payment_ref_key is gone",
    "the last tick, in the future": "the last run was at 2027-06-01 00:00 UTC, which lies ahead",
    "the last complete run, after the last one": "the last complete run is said to be of 2027-06-01 00:00 UTC",
    "the limits of the provider": "the installation's limits are not as arrears writes them",
    "the doubt about the clock": "the installation's state is not the fold of its facts",
    "a fact of the installation": "fact 1 of the installation is not what was hashed",
    "the last fact of the installation": "the installation's state is not the fold of its facts",
    "what an account is called": "account 1: the row of the account is called as nobody has called it",
    "what two accounts are called, exchanged": "account 3: the row of the account is called as nobody has called it",
    "a whole account": "account 1: the account is gone, and not its rows in",
    "a whole account, and no trigger is off": "account 1: the account is gone, and not its rows in",
    "the stops of a hold": "account 3: the row of hold 1 is not what the journal says",
    "a hold, over": "account 3: the row of hold 1 is not what the journal says",
    "the end of a service": "account 4: the row of service end 1 is not what the journal says",
    "the end of a service, gone": "account 4: the row of service end 1 is not what the journal says",
    "an order that nobody was given, struck off": "account 4: the row of action 119 is not what the journal says",
    "a letter, to be sent again": "account 1: a letter of fact",
    "an account, gone from every table": "account 1: the account is gone; it was at fact 17 at 2026-",
    "an account, as a backup of day 10 had it": "account 1: it is at fact 11, and was further at 2026-",
    "the next look, later": "account 1: something is due before its next look",
    "the next look and the last fact, later": "account 1: the instant of its newest look",
    "the trigger of the heartbeat": "the trigger heartbeat_append_only is gone",
    "a letter, gone": "account 1: the message of fact 16 was accepted, and there is none like it that was",
    "a letter that was taken, refused": "account 1: the message of fact 16 was accepted, and there is none like it",
    "the text of a letter": "account 1: the message of fact 16 was accepted, and there is none like it that was",
    "the address of a letter": "account 1: message 1 of fact 16 has another address than it was sent to",
    "the kind of a letter": "account 1: message 1 of fact 16 is of another kind than the fact asks for",
    "the day of a letter": "account 1: message 1 of fact 16 has another day than it was sent on",
    "a letter that came back": "account 1: message 1 of fact 16 came back, and the journal does not say so",
    "a letter that nobody asked for": "account 1: message 1 of fact 2 is there, and no fact asks for it",
    "a hold that is over, gone": "account 2: the row of hold 1 is not what the journal says",
    "the scope of a hold that is over": "account 2: the row of hold 1 is not what the journal says",
    "a hold of nobody": "account 1: the row of hold 1 is not what the journal says",
    "the end of a service that has none": "account 1: the row of service end 1 is not what the journal says",
    "a task, gone": "account 2: the task change_not_recorded of fact",
    "a task, closed": "account 2: the task change_not_recorded of fact",
    "a task, closed by itself": "account 2: the task change_not_recorded of fact",
    "a task of nobody": "account 1: the task deferred of fact 2 is there, and no fact asks for it",
    "a task of the installation that nobody asked for": "account 0: the task mail_paused of fact 1 is there, and no",
    "what an account that was renamed is called": "account 2: the row of the account is called as nobody has called it",
    "the ledger of an entry": "account 1: the row of entries of fact 3 is not what the journal says",
    "when a case ended": "account 2: the row of case 1 is not what the journal says",
    "the policy of a case": "account 1: the row of case 1 is not what the journal says",
    "day 0 of a paid invoice": "account 2: the row of invoice 1 is not what the journal says",
    "what may not be left out": "the column head of account_state is another one",
    "what is refused": "the constraint attempt_state_check of attempt is gone",
    "what nothing is": "the column status of action is another one",
    "a trigger of somebody": "the trigger a_swallow is not ours",
    "a rule of somebody": "the rule no_tasks of task is not ours",
    "rows that are hidden": "the table service_end is another one",
    "a column of somebody": "the column note of invoice is not ours",
    "a constraint of somebody": "the constraint message_no_check1 of message is not ours",
    "what is read as the journal of an account": "the rule _RETURN of account_fact is another one",
    "an account without its row": "account 1: there is a state and no account",
    "an account without its state": "account 1: there is an account and no state of it",
    "what a day has granted, more": "account 0: the deletions ordered on 2026-02-01 are not those that the day is said",
}
"""The line by which each is named."""


def test_a_book_that_nobody_touched_is_clean(book: PostgresStore) -> None:
    assert check_store(book, now=TODAY).breaches == []


def test_there_are_enough_of_them_and_each_is_named() -> None:
    assert len(CHANGES) >= 40
    assert list(SAYS) == list(CHANGES)


@pytest.mark.sample(24)
@pytest.mark.parametrize("name", CHANGES)
def test_check_names_what_was_changed_by_hand(name: str, book: PostgresStore, rules: SchemaRules) -> None:
    policies = book.policies()
    with book.transaction() as db:
        touched = [db.execute(statement.encode()).rowcount for statement in CHANGES[name].split("; ") if statement]
        found = check_book(db, policies, rules, now=TODAY).breaches
        db.rollback()
    assert any(touched), "the change touches something"
    assert SAYS[name] in "\n".join(f"account {breach.account}: {breach.what}" for breach in found)


def test_an_older_account_that_was_put_back_and_has_lived_on_is_named(
    make_due: Callable[[int], PostgresStore],
) -> None:
    store = make_due(1)
    with store.transaction() as db:
        db.execute(back_up("unpaid").encode())
    commands.record_payments(store, [payment(1, "P1")], TODAY, API)
    run(store, at(33))
    with store.transaction() as db:
        db.execute(put_back("unpaid").encode())
    Stage(store, Mail(), Hands(), TODAY).until(at(36))
    assert store.snapshots([1])[1].subscriptions[0].state is State.DISABLED, "who had paid"
    assert "is not the one that was recorded at 2026-02-01" in said_of(store)


def said_of(store: PostgresStore) -> str:
    return "\n".join(f"account {breach.account}: {breach.what}" for breach in check_store(store).breaches)


REFUSED: Final = (
    "a promised day in a warning",
    "the author of a fact",
    "the instant of a fact",
    "the hash of a fact",
    "a fact in the middle",
    "the last fact",
    "a warning accepted earlier",
    "the head",
    "what is open of an invoice",
    "the number of an invoice",
    "the due date of an invoice",
    "day 0 of an invoice",
    "the state of a subscription",
    "the day of a subscription",
    "both sides of an entry",
    "one side of an entry",
    "entries and the invoice",
    "no entries",
    "the last fact and its place",
    "the zone of an account",
    "the policy of an account",
    "how an account pays",
    "the zone of a case",
    "the policy of a case",
    "a case, begun earlier",
    "a case, closed",
    "a hold of nobody",
    "a step, gone",
    "a step, another day",
    "a letter, gone",
    "a letter that was taken, refused",
    "the text of a letter",
)
"""What a cut rests on."""


@pytest.fixture
def make_due(make_postgres: Callable[[], PostgresStore]) -> Callable[[int], PostgresStore]:
    """Makes books of accounts that are disabled by the next run."""

    def make(accounts: int) -> PostgresStore:
        store = make_postgres()
        owing_book(store, accounts)
        Stage(store, Mail(), Hands(), at(1)).until(TODAY)
        return store

    return make


def test_every_table_is_compared_with_the_journal_or_it_is_said_why_not(book: PostgresStore) -> None:
    with book.transaction() as db:
        ours = {
            name for (name,) in db.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
            )
        }  # fmt: skip
    assert (ours - TABLES.keys(), TABLES.keys() - ours) == (set(), set())


def test_a_quick_look_proves_who_was_left_alone_and_nobody_who_was_changed_by_hand(
    make_due: Callable[[int], PostgresStore],
) -> None:
    store = make_due(2 + len(REFUSED))
    changed = dict(enumerate(REFUSED, start=3))
    with store.transaction() as db:
        for number, name in changed.items():
            for statement in CHANGES[name].split("; "):
                db.execute(statement.replace("account_id = 1", f"account_id = {number}").encode())
        db.execute("UPDATE account_state SET seal = NULL WHERE account_id = 2")
    with store.due(at(33), 1000) as batch:
        batch.look(batch.units)
        assert set(batch.unproven()) == {2, *changed}
        assert set(batch.audit(batch.units)) == set(changed), "who was sealed by nobody yet is folded"


def test_who_is_not_proven_by_a_quick_look_and_was_left_alone_is_cut(
    make_due: Callable[[int], PostgresStore],
) -> None:
    store = make_due(2)
    with store.transaction() as db:
        db.execute("UPDATE account_state SET seal = NULL, journal = NULL WHERE account_id = 2")
    run(store, at(33))
    assert {a.subscriptions[0].state for a in store.snapshots([1, 2]).values()} == {State.DISABLED}
    with store.transaction() as db:
        assert db.execute("SELECT count(*) FROM account_state WHERE seal IS NULL").fetchone() == (0,)
    with store.due(at(123), 1000) as batch:
        batch.look(batch.units)
        assert batch.unproven() == set(), "what was sealed by a careful look is proven by the next quick one"


def test_a_state_that_was_changed_by_hand_is_not_sealed_by_what_is_written_next(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    store = make_postgres()
    owing_book(store, 2)
    stage = Stage(store, Mail(), Hands(), at(1))
    stage.until(at(26))
    with store.transaction() as db:
        found = db.execute((STATE + "state = replace(state, '2026-01-23T', '2026-01-10T')" + ONE).encode())
        assert found.rowcount == 1
    stage.until(TODAY)
    assert len([f for f in store.history(1) if f.at > at(26)]) > 1, "a warning was sent since"
    run(store, at(33))
    assert [store.snapshots([n])[n].subscriptions[0].state for n in (1, 2)] == [State.PAST_DUE, State.DISABLED]
    assert ["its state was changed by hand" in task.what for task in open_tasks(store)] == [True]


def test_a_run_cuts_nothing_that_was_changed_by_hand_and_tells_staff(make_due: Callable[[int], PostgresStore]) -> None:
    store = make_due(1 + len(REFUSED))
    changed = dict(enumerate(REFUSED, start=2))
    with store.transaction() as db:
        for number, name in changed.items():
            for statement in CHANGES[name].split("; "):
                db.execute(statement.replace("account_id = 1", f"account_id = {number}").encode())
    run(store, at(33))
    states = {n: a.subscriptions[0].state for n, a in store.snapshots([1, *changed]).items()}
    assert {changed.get(n, "untouched") for n, state in states.items() if state is State.DISABLED} == {"untouched"}
    told = {task.account: task.what for task in open_tasks(store)}
    assert {
        changed[n] for n in changed if "by hand" not in told.get(n, "") and "ledger" not in told.get(n, "")
    } == set()


@pytest.mark.parametrize("name", ["a policy, a day earlier", "a policy, a shorter lead"])
def test_a_run_cuts_nothing_by_a_policy_that_was_changed_by_hand(
    name: str, make_due: Callable[[int], PostgresStore]
) -> None:
    store = make_due(1)
    with store.transaction() as db:
        db.execute(CHANGES[name].encode())
    store._known = PolicyVersions()  # as a process that starts now
    run(store, at(33))
    assert store.snapshots([1])[1].subscriptions[0].state is State.PAST_DUE
    assert ["the text of policy" in task.what for task in open_tasks(store)] == [True]
