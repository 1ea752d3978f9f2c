"""The timeline: what happened and what is ahead, in a customer's words, for those who may know it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from tests.web.living import Living, living
from tests.web.test_centre import reader_of, sign_in, text

from arrears import wiring
from arrears.core import facts as f
from arrears.core.account import Action, HoldScope, Stop
from arrears.core.messages.content import Role
from arrears.engine import commands
from arrears.engine.acting import acting_on
from arrears.engine.booking import Payment
from arrears.engine.payments.providers import Providers
from arrears.engine.run import DEFAULT_LIMITS
from arrears.sandbox.run import Running, running
from arrears.sim.simulate import START, simulate
from arrears.store.memory.store import MemoryStore

if TYPE_CHECKING:
    from django.test import Client

STAFFS = (
    *(f.Parked, f.Unparked, f.TaskClosed, f.DeletionCapped, f.DeletionReleased, f.DeletedInPart),
    *(f.DoubtEnded, f.WarningsLapsed),
)

SPOKEN_HOW = {
    f.WarnedHow.LETTER: ("per brief", "by letter"),
    f.WarnedHow.TELEPHONE: ("per telefoon", "by telephone"),
    f.WarnedHow.IN_PERSON: ("persoonlijk", "in person"),
}
SPOKEN_WHAT = {
    Action.RESTRICT: ("cloud wordt beperkt.", "cloud will be restricted."),
    Action.DISABLE: ("cloud stopt.", "cloud will stop."),
    Action.DELETE: ("de gegevens van cloud worden verwijderd.", "the data of cloud will be deleted."),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def timeline(client: Client, account: int, query: str = "") -> str:
    answer = client.get(f"/acc_{account}/timeline{query}")
    assert answer.status_code == 200
    assert len(answer.content) < 50_000
    return text(answer)


def test_every_kind_of_fact_is_told_or_left_to_staff_on_purpose(site: str) -> None:
    from arrears.web.account_centre import fact_groups as g
    from arrears.web.account_centre import fact_words as h
    from arrears.web.account_centre import fact_words_money_back as b
    from arrears.web.account_centre import fact_words_people as p

    groups = (
        h.MailFact,
        h.MoneyFact,
        b.MoneyBackFact,
        h.LateFact,
        h.CutFact,
        h.DeletionFact,
        h.ServiceFact,
        h.WaitFact,
        g.PromiseFact,
        h.MethodFact,
        h.TryFact,
        p.AccountFact,
        p.AccessFact,
        p.SignInFact,
        p.HelpFact,
    )
    told = [kind for group in groups for kind in get_args(group)]
    assert sorted(kind.__name__ for kind in (*told, *STAFFS)) == sorted(kind.__name__ for kind in get_args(f.AnyFact))
    assert set(get_args(h.StaffsFact)) == set(STAFFS)


def test_a_stop_is_told_with_its_warnings_and_what_is_ahead_with_its_days(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    page = timeline(client, account)
    ahead, past = page.split("Tot nu toe")
    assert "Waarschuwing per e-mail voordat de gegevens hiervan worden verwijderd: cloud." in ahead
    end = shop.store.snapshots([account])[account].subscription(1).end
    assert end is not None
    assert end.delete.promised_on is not None
    assert f"{end.delete.promised_on.day} " in ahead.rpartition("<h3>")[2]
    order = [
        "Bericht: cloud is op",
        "cloud heeft bevestigd dat de dienst is gestopt.",
        "aan het einde van de dag. De gegevens worden bewaard.",
        "Waarschuwing: cloud stopt op",
        "Herinnering aan wat openstaat.",
        "Achterstallig sinds",
        "Factuur L",
        "Het account is geopend.",
    ]
    assert [past.index(words) for words in order] == sorted(past.index(words) for words in order), "the newest first"
    assert past.count(f"E-mail verstuurd aan {shop.email(account)}.") == past.count("E-mail verstuurd")
    client.post("/language", {"language": "en", "next": "/"})
    english = timeline(client, account)
    assert "Its data is kept." in english
    assert "Once everything is paid, no service is stopped or deleted for it." in english


@pytest.mark.turn(2)
def test_what_is_ahead_is_what_then_happens(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=15)
    sign_in(client, shop.email(account))
    client.post("/language", {"language": "en", "next": "/"})
    ahead = timeline(client, account).split("So far")[0]
    days = re.findall(r"<h3>([^<]+?)\s*(?:<small>|</h3>)", ahead)
    now = shop.clock.now()
    shop.until(now, now + timedelta(days=17))
    shop.clock.ahead = timedelta(days=17)
    past = timeline(client, account).split("So far")[1]
    assert len(days) == 3, "two warnings and the stop"
    assert all(f"<h3>{day}" in past for day in days[:2]), (days, past)
    assert f"cloud was stopped at the end of {days[2]}." in past


def test_a_payment_is_told_with_its_receipt_and_with_what_it_brought_back(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=35)
    commands.record_payments(
        shop.store, [Payment(account, f"bank-{account}", "EUR", 15000, (1,))], shop.clock.now(), "api:1"
    )
    shop.work()
    sign_in(client, shop.email(account))
    page = timeline(client, account)
    assert "Er is € 150,00 ontvangen voor" in page
    assert "daarvan wordt € 30,00 bewaard als tegoed." in page
    assert "cloud wordt weer aangezet." in page
    assert "cloud staat weer aan." in page
    assert "Er is geen achterstand meer. Het dossier is gesloten." in page
    receipt = re.search(rf"/acc_{account}/receipts/\d+", page)
    assert receipt is not None
    assert client.get(receipt[0]).status_code == 200
    assert "Er staat niets gepland." in page


@pytest.mark.sample(3)
@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("how", "dutch", "english"), [(h, *words) for h, words in SPOKEN_HOW.items()])
def test_what_somebody_was_told_otherwise_is_told_to_the_customer(
    how: f.WarnedHow, dutch: str, english: str, action: Action, shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"), days=25)
    with acting_on(shop.store, account, shop.clock.now()) as unit:
        fact = f.WarnedOtherwise(
            notice=1, subscription=1, action=action, how=how, on=date(2031, 2, 3), proof="CANARY receipt"
        )
        unit.record(fact, "staff:1", "CANARY why")
    sign_in(client, shop.email(account))
    page = timeline(client, account)
    assert f"Meegedeeld {dutch} op 3 februari 2031: {SPOKEN_WHAT[action][0]}" in page
    client.post("/language", {"language": "en", "next": "/"})
    page = timeline(client, account)
    assert f"Told {english} on 3 February 2031: {SPOKEN_WHAT[action][1]}" in page
    assert "CANARY" not in page, "where the proof is kept is staff's"


def test_holds_say_what_waits_and_until_when_but_not_what_staff_wrote(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4000, "EUR"), days=10)
    now = shop.clock.now()
    until = now.date() + timedelta(days=10)
    commands.hold(
        shop.store, account, scope=HoldScope.ACCOUNT, stops=(Stop.DISABLE, Stop.DELETE), reason="CANARY promise",
        until=until, now=now, author="staff:1",
    )  # fmt: skip
    commands.dispute(shop.store, account, 2, now, "staff:1", "CANARY dispute")
    with acting_on(shop.store, account, now) as unit:
        unit.record(f.TaskClosed(task=1, outcome="CANARY task"), "staff:1")
        unit.record(f.Parked(why="CANARY parked"))
        unit.record(f.Unparked(), "staff:1", "CANARY unparked")
    sign_in(client, shop.email(account))
    page = timeline(client, account)
    assert "Uitgesteld voor dit account tot en met" in page
    assert "diensten stoppen en gegevens verwijderen." in page
    assert "is in behandeling: u hoeft die nu niet te betalen" in page
    assert "Het uitstel voor dit account loopt af." in page
    assert "onze medewerkers" in page
    assert "CANARY" not in page


@pytest.mark.turn(2)
def test_addresses_are_shown_to_the_administrator_and_masked_for_others(shop: Living, client: Client) -> None:
    from arrears.engine.people.profile import add_extra

    account = shop.account(days=1)
    add_extra(shop.store, account, "Ops@example.org", "", "", now=shop.clock.now(), author="token:1")
    reader = reader_of(shop, account)
    now = shop.clock.now()
    due = now.date() - timedelta(days=1)
    invoice = commands.Invoice(account, f"M{account}", "EUR", 900, due - timedelta(days=14), due, (1,))
    commands.issue_invoices(shop.store, [invoice], now - timedelta(days=10), "api:1")
    shop.until(now - timedelta(days=1), now + timedelta(days=21))
    shop.clock.ahead = timedelta(days=21)
    sign_in(client, shop.email(account))
    own = timeline(client, account)
    assert shop.email(account) in own
    assert "Ops@example.org" in own
    client.post("/sign-out")
    sign_in(client, reader)
    others = timeline(client, account)
    assert shop.email(account) not in others
    assert "Ops@example.org" not in others
    assert "a•••@example.org, " in others
    assert reader in others, "everybody knows their own address"
    profile = text(client.get(f"/acc_{account}/profile"))
    assert shop.email(account) not in profile
    assert "O•••@example.org" in profile


@pytest.mark.turn(2)
def test_a_thousand_facts_are_pages_of_under_50_kb_and_none_is_left_out(shop: Living, client: Client) -> None:
    account = shop.account(days=1)
    now = shop.clock.now()
    due = now.date() + timedelta(days=300)
    invoices = [
        commands.Invoice(account, f"K{account}-{k:04}", "EUR", 900, now.date(), due + timedelta(days=k % 60), (1, 2))
        for k in range(1000)
    ]
    commands.issue_invoices(shop.store, invoices, now, "api:1")
    sign_in(client, shop.email(account))
    first = timeline(client, account)
    pages = int(re.findall(r"Pagina 1 van (\d+)", first)[0])
    assert pages == 34, "a thousand invoices, two services and the account, thirty a page"
    assert "Vanaf" in first, "what is far ahead is summed up"
    told = "".join(timeline(client, account, f"?page={page}").split("Tot nu toe")[-1] for page in range(1, pages + 1))
    assert [k for k in range(1000) if f"K{account}-{k:04}:" not in told] == []
    assert "Het account is geopend." in told
    for odd in ("?page=0", "?page=-1", "?page=x", "?page=99999", "?page=", "?page=1e3"):
        timeline(client, account, odd)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_whatever_happens_in_a_made_up_year_is_told_in_whole_sentences(site: str, language: str) -> None:
    from django.utils import translation

    from arrears.web.account_centre.fact_words import Teller
    from arrears.web.account_centre.timeline import ahead

    store = MemoryStore()
    simulate(store, 25, 250, 6)
    kinds: set[type[Any]] = set()
    end = START + timedelta(days=250)
    live = wiring.Installation("", store, None, None, None, DEFAULT_LIMITS, Providers({}, "http://x"))  # type: ignore[arg-type]
    with translation.override(language):
        for number in range(1, 26):
            visit = visit_of(live, store, number, end)
            history = store.history(number)
            teller = Teller(visit, history)
            for one in history:
                said = teller.tells(one)
                kinds.add(type(one.fact))
                assert not re.search(r"%\(|\bNone\b|\bdict\b|  |^[a-z]+_", said), said
                assert bool(said) == (said.endswith(".")), said
                assert not (isinstance(one.fact, STAFFS) and said)
            for event in ahead(visit, teller):
                assert event.on >= visit.view.today
                assert event.text.endswith(".")
    assert len(kinds) > 25, "the world has most kinds of facts in it"


def visit_of(live: Any, store: MemoryStore, number: int, now: Any) -> Any:
    from django.test import RequestFactory

    from arrears.web.account_centre.frame import Visit

    contacts = store.contacts([number])[number]
    return Visit(RequestFactory().get("/"), live, number, contacts, None, Role.ADMINISTRATOR, now)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "invoice F-1, due on 4 March 2026",
                "{name} and what is planned on 4 March 2026",
                "valid until 4 March",
                "a hold that ends with 4 March 2026",
            ],
        ),
        (
            "nl",
            [
                "factuur F-1, die vervalt op 4 maart 2026",
                "{name} en wat gepland is op 4 maart 2026",
                "geldig tot en",
                "uitstel dat loopt tot en met 4 maart 2026",
            ],
        ),
    ],
)
def test_an_announcement_is_told_by_what_it_is_about(site: str, language: str, said: list[str]) -> None:
    from django.utils import translation

    from arrears.core.messages.kinds import MessageKind
    from arrears.web.account_centre.fact_words_messages import tell_of_part
    from arrears.web.names import called

    store = MemoryStore()
    simulate(store, 1, 5, 6)
    live = wiring.Installation("", store, None, None, None, DEFAULT_LIMITS, Providers({}, "http://x"))  # type: ignore[arg-type]
    visit = visit_of(live, store, 1, START + timedelta(days=5))
    on, kind = date(2026, 3, 4), MessageKind.DUE_SOON
    parts = [f.Announcement(kind, on, debt=1), f.Announcement(kind, on, subscription=1)]
    others = [f.Announcement(kind, on, method=1), f.Announcement(kind, on, hold=1)]
    with translation.override(language):
        for part, words in zip([*parts, *others], said, strict=True):
            assert words.format(name=called(visit.snapshot, 1)) in tell_of_part(visit, part, {1: "F-1"}).replace(
                "\xa0", " "
            )
