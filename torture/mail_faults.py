"""Each fault by which a letter counted that nobody got, or was kept from who could be reached, put back for one world:
`torture.mail_year` must see every one of them. One function or table is swapped, and swapped back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from arrears.adapters.channels import answers, headers, reports, signing, smtp
from arrears.adapters.channels import bounces as reading
from arrears.adapters.channels.reports import Verdict
from arrears.engine import heard, perform
from arrears.engine.handing_over import Patience
from arrears.engine.messages import bounces, delivering, sending
from arrears.engine.people import visitors
from arrears.ports import BACK, Delivery, DeliveryAbout, Fate, Mail, MailBook, MailState
from arrears.store.memory.store import MemoryStore
from torture import put_back
from torture.mail_year import play
from torture.put_back import Fault, Found, Swap


def _any_answer() -> Sequence[Swap]:
    two_or_three = range(200, 400)
    return [(smtp, "_EXPECTED", {"MAIL": two_or_three, "RCPT": two_or_three, "DATA": two_or_three})]


def _surplus() -> Sequence[Swap]:
    return [(smtp, "_says_more", lambda _smtp: False)]


def _server_at_fault() -> Sequence[Swap]:
    """One recipient for whom it breaks off is the server."""
    was = Patience.is_over
    return [(Patience, "is_over", lambda self, delivery, address: was(self, delivery, address) or delivery.broke)]


def _silence_counts() -> Sequence[Swap]:
    was = smtp.KeptConnection._write

    def write(self: Any, *arguments: Any) -> Any:
        found = was(self, *arguments)
        return found._replace(fate=Fate.ACCEPTED) if found.fate is Fate.UNKNOWN else found

    return [(smtp.KeptConnection, "_write", write)]


def _early_is_lost() -> Sequence[Swap]:
    was = bounces._is_news
    return [(bounces, "_is_news", lambda state, after: state is not MailState.CLAIMED and was(state, after))]


def _accepted_undoes() -> Sequence[Swap]:
    return [(delivering.Answer, "without", lambda self, _came_back, _now: self)]


def _provider_counts() -> Sequence[Swap]:
    was = smtp._by_provider

    def by_provider(*arguments: Any) -> Any:
        found = was(*arguments)
        return found._replace(fate=Fate.ACCEPTED) if found.fate is Fate.UNKNOWN else found

    return [(smtp, "_by_provider", by_provider)]


def _events_ignored() -> Sequence[Swap]:
    was = reading._kind_of_event
    return [(reading, "_kind_of_event", lambda event, *more: was(event, *more) if event == "bounced" else None)]


def _soft_ignored() -> Sequence[Swap]:
    was = bounces.came_back
    return [(bounces, "came_back", lambda store, back, now: was(store, back, now) if back.how == bounces.HARD else 0)]


def _forwarded_ignored() -> Sequence[Swap]:
    was = bounces._meant

    def meant(store: MailBook, returned: bounces.Returned, now: Any) -> list[Mail]:
        known = was(store, returned, now)
        return [one for one in known if returned.address.lower() in ("", one.address.lower())]

    return [(bounces, "_meant", meant)]


def _unclear_dropped() -> Sequence[Swap]:
    return [(reading, "_KIND", {**reading._KIND, Verdict.UNKNOWN: None})]


def _asks_exchange() -> Sequence[Swap]:
    was = headers.compose

    def compose(*arguments: Any) -> Any:
        letter = was(*arguments)
        letter.extra_headers["X-Auto-Response-Suppress"] = "All"
        return letter

    return [(smtp, "compose", compose)]


def _any_signature() -> Sequence[Swap]:
    return [(reading, "proven", lambda name, _keys: signing.unsigned(name) or name)]


def _address_is_enough() -> Sequence[Swap]:
    was = bounces.came_back
    return [(bounces, "came_back", lambda store, back, now: was(store, back._replace(by_provider=True), now))]


def _target_buries() -> Sequence[Swap]:
    return [(bounces, "_how", lambda _mail, returned: returned.how)]


def _all_is_dead() -> Sequence[Swap]:
    hard = reading.ReportKind.HARD
    kinds = {**reading._KIND, Verdict.NOT_THE_ADDRESS: hard, Verdict.UNKNOWN: hard}
    return [(reading, "_KIND", kinds), (bounces, "_how", lambda _mail, returned: returned.how)]


def _dead_for_one() -> Sequence[Swap]:
    """An address's death counts only for the account whose mail said so."""
    was = MemoryStore.contacts

    def contacts(self: MemoryStore, numbers: Any) -> Any:
        every = (mail for rows in self.mail_rows.values() for mail in rows.values())
        own = {(mail.account, mail.address) for mail in every if mail.state is MailState.BOUNCED_HARD}
        return {
            number: one._replace(dead=frozenset(a for a in one.dead if (number, a) in own))
            for number, one in was(self, numbers).items()
        }

    return [(MemoryStore, "contacts", contacts)]


def _all_wait_for_one() -> Sequence[Swap]:
    """What one stranger's system puts off ends the round, and is the first of the next."""

    def send_letters(store: Any, channel: Any, context: Any, now: Any) -> int:
        for count in range(100):
            claimed = store.claim_letters(now, now - visitors.LEASE, 1)
            if not claimed:
                return count
            delivery, _ = visitors._handed_over(store, channel, context, claimed[0], Patience(), now)
            store.end_letter(claimed[0].no, visitors._STATES[delivery.fate], now)
            if delivery.fate is Fate.NOT_SENT:
                return count
        return 100

    return [(visitors, "send_letters", send_letters)]


def _used_up() -> Sequence[Swap]:
    was = answers.answered

    def answered(*arguments: Any) -> Any:
        found = was(*arguments)
        if found.about is DeliveryAbout.SENDER:
            return found._replace(fate=Fate.REFUSED, about=DeliveryAbout.ADDRESS)
        return found

    return [(smtp, "answered", answered)]


def _never_dead() -> Sequence[Swap]:
    was = answers.answered
    return [(smtp, "answered", lambda *arguments: was(*arguments)._replace(dead=False))]


def _folder_counts() -> Sequence[Swap]:
    """What is laid into a folder, which nobody reads, counts as accepted."""
    return [(smtp.SmtpChannel, "send", lambda _self, _message: Delivery(Fate.ACCEPTED))]


def _back_counts() -> Sequence[Swap]:
    taken = frozenset({MailState.ACCEPTED, *BACK})
    return [(bounces, "lost_warnings", lambda *_: ()), (delivering, "TAKEN", taken)]


def _former_counts() -> Sequence[Swap]:
    """What only a former administrator got is notice all the same."""
    return [(heard, "check_heard", lambda *_, **__: None), (perform, "_to_others", lambda *_: {})]


def _batch_dies() -> Sequence[Swap]:
    """Of a sender that dies everything is unknown that it had claimed."""

    def look_up(_channels: Any, plan: Any) -> None:
        for mail in list(plan.mails.values()):
            if mail.state is MailState.CLAIMED:
                plan.move(mail, MailState.UNKNOWN, "its sender died")

    return [(sending, "_look_up", look_up)]


def _numbers_are_names() -> Sequence[Swap]:
    """A report is about whatever letter has its numbers now."""
    was = bounces._meant

    def meant(store: MailBook, returned: bounces.Returned, now: Any) -> Sequence[Mail]:
        named = bounces._ID.fullmatch(returned.message)
        if named is None:
            return was(store, returned, now)
        account, seq, number = map(int, named.groups())
        return [one for one in store.mails_of_notices([(account, seq)]) if one.no == number]

    return [(bounces, "_meant", meant)]


def _anybody_answers() -> Sequence[Swap]:
    """An answer proves that the letter was there, whoever sends it."""
    return [(bounces, "_answered_by_its_reader", lambda *_: True)]


def _delayed_is_nothing() -> Sequence[Swap]:
    """A report that calls it delayed is no report, whatever else it says."""
    was = reports._judged
    return [(reports, "_judged", lambda *a, final: was(*a, final=final and "given up" not in a[1]))]


FAULTS: Final = (
    Fault("a warning counts that only a former administrator got", _former_counts, 2),
    Fault("of a sender that dies every claimed letter is unknown", _batch_dies, 2),
    Fault("a report is about whatever letter has its numbers now", _numbers_are_names),
    Fault("an answer proves arrival, whoever sends it", _anybody_answers, 2),
    Fault("a delay that is given up is no report", _delayed_is_nothing, 5),
    Fault("any 2xx or 3xx before the text is as good as another", _any_answer, 9),
    Fault("an answer too many is taken for that of the text", _surplus, 13),
    Fault("one recipient at whom a server breaks off keeps everybody's mail back", _server_at_fault, 2),
    Fault("a server that never answered has accepted", _silence_counts, 4),
    Fault("a report that comes before the batch is stored is thrown away", _early_is_lost),
    Fault("acceptance that is stored later undoes a report", _accepted_undoes),
    Fault("a provider's rejected, failed or unknown counts", _provider_counts, 6),
    Fault("a provider's events rejected and failed are ignored", _events_ignored, 6),
    Fault("a final report that is not hard counts as notice", _soft_ignored),
    Fault("what came back keeps its warning", _back_counts),
    Fault("a report that names the forwarding target is ignored", _forwarded_ignored, 8),
    Fault("a report that nobody understands is dropped", _unclear_dropped, 16),
    Fault("Exchange is asked to keep its reports back", _asks_exchange),
    Fault("a report counts without its signature", _any_signature),
    Fault("a report without any id counts by its address", _address_is_enough),
    Fault("that the forwarding target does not exist buries the address", _target_buries),
    Fault("an address that two accounts share is dead for one of them only", _dead_for_one, 38),
    Fault("no such user, said at delivery, buries nothing", _never_dead, 2),
    Fault("a refusal of who we are uses up the reminder", _used_up),
    Fault("one stranger who is put off keeps every stranger's letter back", _all_wait_for_one),
    Fault("mail that is only laid into a folder counts", _folder_counts),
    Fault("every final report buries its address", _all_is_dead, 2),
)


def found_by(fault: Fault, seeds: Iterable[int], accounts: int, days: int) -> Found:
    """The first seed whose world is right as it is, and sees the fault; and what it saw."""
    for seed in seeds:
        with put_back.put_back(fault):
            verdict = play(seed, accounts, days)
        if verdict.wrong and play(seed, accounts, days).holds:
            return seed, verdict.wrong[0]
    return None


def tell(seeds: Sequence[int], accounts: int, days: int) -> bool:
    """One line for each fault, as it is tried in worlds of so many accounts and days; whether all were found."""
    return put_back.tell(FAULTS, seeds, lambda fault, tried: found_by(fault, tried, accounts, days))
