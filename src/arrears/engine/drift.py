"""Asking services what they are in, and what follows where that is not what we say (spec, section 8).

A difference counts when the service has said so twice, a look apart: what is answered while an order is under way is
older than the order. It is a task for staff then; and what is to run and does not, or is of an old backup that does not
know the newest order, is ordered anew, within caps.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from arrears.core.delivery.signing import signed_headers
from arrears.core.drift import WANTED, DriftKind, ReportedState, ServiceDrift, drift_of
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS, EndpointTrouble, OrderRepeated
from arrears.core.ids import SUBSCRIPTION, format_id, parse_id
from arrears.engine.acting import acting_on
from arrears.engine.courier import CourierWatcher
from arrears.engine.orders import order_id, parcel_of
from arrears.ports import Accounts, Clock, Order, Transport
from arrears.ports.drift import DriftBook, KnownDrift, ServiceAddress

ASK_EVERY: Final = timedelta(minutes=2)
"""Two looks are at most so far apart, and what differs in both is a task: who has paid is found within minutes."""
LOOK_SECONDS: Final = 15.0
"""Between two times that a worker asks which service is due."""
PAGE: Final = 200
"""Subscriptions a page: within what a transport reads of an answer."""
REPAIRS_MAX: Final = 20
"""So many subscriptions of a service are repaired by one look. Where more differ something else is wrong: a person
looks first."""
TIMES_MAX: Final = 3
"""So often one subscription is ordered anew."""
_COMMAND: Final = {"active": "resume", "restricted": "restrict", "disabled": "disable"}
_STATES: Final = ("", "active", "past_due", "restricted", "disabled", "deleted")
_NUMBER_MAX: Final = 2**31 - 1


class DriftWatch:
    """Looks after the services of an installation. `signing` is the real clock, as receivers go by that."""

    def __init__(self, book: DriftBook, transport: Transport, clock: Clock, signing: Clock) -> None:
        self._book, self._transport, self._clock, self._signing = book, transport, clock, signing
        self._stop = threading.Event()

    def look(self, every: timedelta = ASK_EVERY, only: str = "") -> int:
        """Ask every service that nobody has asked for so long, or this one; how many differences there are. One that
        cannot be asked keeps nobody else from being asked; refuses `service_not_asked` in the end."""
        count, failed = 0, list[str]()
        for one in self._book.services_to_ask(self._clock.now(), every, only):
            try:
                count += len(self._check(one))
            except Refused as refused:
                failed.append(f"{one.name}: {refused.message}")
        if failed:
            raise Refused("service_not_asked", "; ".join(failed))
        return count

    @contextmanager
    def working_beside(self, watcher: CourierWatcher) -> Iterator[None]:
        """Look again and again in a thread until the end of the block."""
        thread = threading.Thread(target=self._work, args=(watcher,), name="drift")
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _work(self, watcher: CourierWatcher) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception as error:
                watcher.lost(error)

    def _check(self, one: ServiceAddress) -> Sequence[KnownDrift]:
        return self._followed(
            one, *self._book.record_drift(one.name, sorted(self._differences(one)), self._clock.now())
        )

    def reported(self, one: ServiceAddress, words: object) -> int:
        """Record what a service says of some of its subscriptions without being asked, and ask it soon for the rest;
        how many differ there now. Refuses `bad_states`."""
        said, _ = _states_in(json.dumps(words).encode())
        if len(said) > PAGE:
            raise Refused("bad_states", f"tell of {PAGE} subscriptions at a time")
        now, of = self._clock.now(), [(state.account, state.subscription) for state in said]
        recorded = self._book.record_drift(one.name, sorted(self._compared(one, said)), now, of)
        self._book.ask_soon(one.number)
        return len(self._followed(one, *recorded))

    def _followed(self, one: ServiceAddress, known: Sequence[KnownDrift], had_task: bool) -> Sequence[KnownDrift]:
        certain = [each for each in known if each.certain]
        self._tell(one.name, certain, had_task=had_task)
        for each in [each for each in certain if each.drift.repaired and each.repairs < TIMES_MAX][:REPAIRS_MAX]:
            self._repair(one, each.drift)
        return known

    def _differences(self, one: ServiceAddress) -> Iterator[ServiceDrift]:
        left = set(self._book.stopped_subscriptions(one.name))
        for page in self._pages(one):
            left -= {(said.account, said.subscription) for said in page}
            yield from self._compared(one, page)
        for number, account in self._book.snapshots(sorted({number for number, _ in left})).items():
            for sub in account.subscriptions:
                drift = drift_of(sub, ReportedState(number, sub.no, 0, 0, "")) if (number, sub.no) in left else None
                if drift is not None:
                    yield drift

    def _compared(self, one: ServiceAddress, page: Sequence[ReportedState]) -> Iterator[ServiceDrift]:
        accounts = self._book.snapshots(sorted({said.account for said in page}))
        for said in page:
            account = accounts.get(said.account)
            subs = account.subscriptions if account is not None else ()
            sub = next((each for each in subs if each.no == said.subscription), None)
            drift = drift_of(sub, said) if sub is None or sub.service == one.name else None
            if drift is not None:
                yield drift

    def _pages(self, one: ServiceAddress) -> Iterator[Sequence[ReportedState]]:
        secrets, after = [self._transport.opened(secret) for secret in one.secrets], ""
        while True:
            url = f"{one.url}{'&' if '?' in one.url else '?'}after={after}&limit={PAGE}"
            at = self._signing.now()
            answer = self._transport.get(url, signed_headers(secrets, f"ask_{at.timestamp():.6f}", at, b""))
            if not answer.taken:
                raise Refused("service_not_asked", f"it does not say what it is in: {answer.said or answer.status}")
            page, last = _states_in(answer.body)
            if not page:
                return
            if last <= after:
                raise Refused("bad_states", "its pages do not go on in the order of the ids")
            yield page
            after = last

    def _tell(self, service: str, certain: Sequence[KnownDrift], *, had_task: bool) -> None:
        name, now = f"{service}: drift", self._clock.now()
        if not certain:
            if had_task:
                self._book.record_system(EndpointTrouble(name=name, over=True), now, ARREARS, "")
            return
        if all(one.has_task for one in certain):
            return
        order = list(DriftKind)
        worst = min(certain, key=lambda one: (order.index(one.drift.kind), one.since))
        more = f", and {len(certain) - 1} more" if len(certain) > 1 else ""
        why = f"{sentence(worst)}{more}: `arrears services drift`"
        self._book.record_system(EndpointTrouble(name=name), now, ARREARS, why)
        self._book.note_drift_task(service, has_task=True)

    def _repair(self, one: ServiceAddress, drift: ServiceDrift) -> None:
        if drift.wanted != "deleted":
            repeat_order(self._book, drift, self._clock.now())
            return
        # A deletion is ordered once, and given until it is done.
        account = self._book.snapshots([drift.account])[drift.account]
        sub, now = account.subscription(drift.subscription), self._clock.now()
        order = Order(
            id=order_id(drift.account, sub.no, drift.given),
            service=one.name,
            account=drift.account,
            subscription=sub.no,
            generation=sub.generation,
            number=drift.given,
            command="delete",
            name=self._book.contacts([drift.account])[drift.account].name,
        )
        self._book.give_once_more(one.number, parcel_of(order, now), drift.account, sub.no, now)


def repeat_order(store: Accounts, drift: ServiceDrift, now: datetime, author: str = ARREARS, why: str = "") -> bool:
    """Order anew what a service is to be, by a number of its own; whether that is so still. Under the account's lock:
    who has paid meanwhile, or has another order under way, is not stopped by what was seen before."""
    with acting_on(store, drift.account, now) as unit:
        sub = unit.account.subscription(drift.subscription)
        if unit.account.parked or sub.orders or sub.order_count != drift.given or WANTED[sub.state] != drift.wanted:
            return False
        said = why or f"the service says that it is {drift.reported}"
        fact = OrderRepeated(sub.no, sub.order_count + 1, _COMMAND[drift.wanted], sub.generation)
        unit.record(fact, author, said)
    return True


def sentence(one: KnownDrift) -> str:
    """A difference in one line: what the service says, since when, and what it should be."""
    drift, since = one.drift, f"{one.since:%Y-%m-%d %H:%M} UTC"
    name = format_id(SUBSCRIPTION, drift.account, drift.subscription)
    said = f"since {since} {one.service} says that {name} is {drift.reported or 'of no state'}"
    match drift.kind:
        case DriftKind.UNKNOWN:
            return f"{said}, and there is no such subscription"
        case DriftKind.AHEAD:
            return (
                f"{said} by order {drift.sequence}, and only {drift.given} were given: is this an old backup of ours?"
            )
        case DriftKind.OFF:
            return f"{said}, and it is to run"
        case DriftKind.GONE | DriftKind.ON | DriftKind.OTHER:
            return f"{said}, and it is to be {drift.wanted}"


def _states_in(body: bytes) -> tuple[Sequence[ReportedState], str]:
    """The states on a page, and the last id on it; refuses `bad_states`."""
    try:
        said = json.loads(body)["states"]
        if not isinstance(said, list):
            raise ValueError("no list")
        return [_state(one) for one in said], str(said[-1]["subscription"]) if said else ""
    except (ValueError, KeyError, TypeError, RecursionError, Refused):
        raise Refused("bad_states", "what it says is no page of states (docs/services.md)") from None


def _state(one: dict[str, Any]) -> ReportedState:
    account, subscription = parse_id(SUBSCRIPTION, one["subscription"])
    numbers = one["generation"], one["sequence"]
    if any(type(number) is not int or not 0 <= number <= _NUMBER_MAX for number in (*numbers, subscription)):
        raise ValueError("a number is none")
    if one["state"] not in _STATES or account > 2**62:
        raise ValueError("a state is none")
    state = "active" if one["state"] == "past_due" else one["state"]
    return ReportedState(account, subscription, *numbers, state)
