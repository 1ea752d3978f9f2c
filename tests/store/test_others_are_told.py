"""Each command that changes whom an account reaches looks whether those who are told now have been warned."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.contract import API, at, owing_book, play
from tests.stories.story import Mail

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.engine.people import access, profile
from arrears.engine.tokens import digest_of
from arrears.store.postgres.store import PostgresStore

NOW = at(30, 12)
Change = Callable[[PostgresStore, int], None]


@pytest.fixture
def postgres(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    return make_postgres()


def invite_and_accept(store: PostgresStore, account: int) -> None:
    link = access.invite(store, account, "eva@x.example", "administrator", "Eva", NOW, API)
    store.renew_sign_in_link(link, digest_of("secret"))
    access.accept(store, "secret", "Eva", "hash", NOW)


def confirm_another_address(store: PostgresStore, account: int) -> None:
    person = store.person_at("r@x.example")
    assert person is not None
    request = profile.change_address(store, account, person, "new@x.example", NOW, API)
    store.renew_address_link(request, digest_of("secret"))
    profile.confirm_address(store, "secret", NOW)


def remove_the_reader(store: PostgresStore, account: int) -> None:
    person = store.person_at("r@x.example")
    assert person is not None
    access.remove(store, account, person, NOW, API)


def remove_the_extra(store: PostgresStore, account: int) -> None:
    profile.remove_extra(store, account, "ops@x.example", NOW)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("who", "change"),
    [
        ("contact", invite_and_accept),
        ("reader", confirm_another_address),
        ("reader", remove_the_reader),
        ("extra", remove_the_extra),
    ],
)
def test_what_only_others_got_counts_no_longer(postgres: PostgresStore, who: str, change: Change) -> None:
    [number] = owing_book(postgres)
    if who != "contact":
        with postgres.transaction() as db:
            db.execute("UPDATE account SET contact = NULL WHERE account_id = %s", [number])
    if who == "reader":
        postgres.give_role(number, postgres.new_person("r@x.example", "R", "hash", "en", at(1)), "billing_reader")
    if who == "extra":
        profile.add_extra(postgres, number, "ops@x.example", "", "", now=at(1), author=API)
    play(postgres, Mail(), InProcessServices(), 1, 30)
    assert counts(postgres, number)
    change(postgres, number)
    assert not counts(postgres, number)
    [changed] = [one.fact for one in postgres.history(number) if isinstance(one.fact, f.RecipientsChanged)]
    assert changed.lost


def test_another_address_of_a_person_counts_for_every_account_of_theirs(postgres: PostgresStore) -> None:
    one, other = owing_book(postgres, 2)
    person = postgres.new_person("r@x.example", "R", "hash", "en", at(1))
    with postgres.transaction() as db:
        db.execute("UPDATE account SET contact = NULL WHERE account_id = ANY(%s)", [[one, other]])
    for number in (one, other):
        postgres.give_role(number, person, "billing_reader")
    play(postgres, Mail(), InProcessServices(), 1, 30)
    assert counts(postgres, one)
    assert counts(postgres, other)
    confirm_another_address(postgres, one)
    assert not counts(postgres, one)
    assert not counts(postgres, other)


def counts(store: PostgresStore, number: int) -> bool:
    [sub] = store.snapshots([number])[number].subscriptions
    return sub.disable.accepted_at is not None
