"""Every fact in a customer's words: what happened, to what, how much and until when.

Each kind of fact is decided here, and mypy sees that none is forgotten. What only concerns staff, or only says that
something went as planned, is told by nothing ("").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.core.account import Action, CaseOutcome, DoubtKind, Hold, HoldScope
from arrears.core.payments.values import AttemptState, Initiator
from arrears.core.states import State
from arrears.web.account_centre.fact_groups import (
    ACKNOWLEDGED,
    STOPS,
    WHY,
    CutFact,
    DeletionFact,
    LateFact,
    MailFact,
    MethodFact,
    MoneyFact,
    PromiseFact,
    ServiceFact,
    StaffsFact,
    TryFact,
    WaitFact,
)
from arrears.web.account_centre.fact_words_messages import SPOKEN, WARNED_BY, card_name, tell_of_part
from arrears.web.account_centre.fact_words_money_back import MoneyBackFact, tell_of_money_back
from arrears.web.account_centre.fact_words_people import tell_of_account
from arrears.web.account_centre.fact_words_promises import arrangements_of, tell_of_promise
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import will
from arrears.web.account_centre.story import advice
from arrears.web.names import called


class Teller:
    """Tells the facts of one account, which it reads once for the names that later facts only number."""

    def __init__(self, visit: Visit, history: Sequence[f.Recorded]) -> None:
        self.visit = visit
        self.invoices: dict[int, str] = {}
        self.attempts: dict[int, f.AttemptCreated] = {}
        self.holds: dict[int, Hold] = {}
        self.arrangements = arrangements_of(history)
        self.earlier: dict[int, date] = {}
        """By a fact that moved a date: the day that was said before."""
        said: dict[tuple[int, Action], date] = {}
        for recorded in history:
            match recorded.fact:
                case f.InvoiceIssued(debt=debt):
                    self.invoices[debt.no] = debt.number
                case f.AttemptCreated() as fact:
                    self.attempts[fact.attempt] = fact
                case f.HoldPlaced(hold=hold):
                    self.holds[hold.no] = hold
                case f.DateMoved(subscription=sub, action=action, on=on):
                    if (sub, action) in said:
                        self.earlier[recorded.seq] = said[sub, action]
                    said[sub, action] = on
                case f.Resumed(subscription=sub) | f.Reactivated(subscription=sub):
                    said = {key: on for key, on in said.items() if key[0] != sub}
                case _:
                    pass

    def tells(self, recorded: f.Recorded) -> str:
        """The sentences for one fact; empty where a customer is told nothing."""
        fact = recorded.fact
        if isinstance(fact, StaffsFact):
            return ""
        if isinstance(fact, MailFact):
            return self._mail(fact)
        if isinstance(fact, MoneyFact):
            return self._money(fact)
        if isinstance(fact, LateFact):
            return self._late(fact, recorded.author)
        if isinstance(fact, CutFact):
            return self._cut(fact, recorded.seq)
        if isinstance(fact, DeletionFact):
            return self._deletion(fact)
        if isinstance(fact, ServiceFact):
            return self._service(fact)
        if isinstance(fact, WaitFact):
            return self._wait(fact)
        if isinstance(fact, PromiseFact):
            return tell_of_promise(self.visit, fact, self.arrangements[recorded.seq], self._numbers)
        if isinstance(fact, MethodFact):
            return self._method(fact)
        if isinstance(fact, TryFact):
            return self._try(fact)
        if isinstance(fact, MoneyBackFact):
            return tell_of_money_back(self.visit, fact)
        return tell_of_account(self.visit, fact)

    # -- names ---------------------------------------------------------------------------------------------------

    def _name(self, number: int) -> str:
        return called(self.visit.snapshot, number)

    def _names(self, numbers: Iterable[int]) -> str:
        return self.visit.listed([self._name(no) for no in numbers])

    def _numbers(self, debts: Iterable[int]) -> str:
        return self.visit.listed([self.invoices[no] for no in debts if no in self.invoices])

    def _card(self, method: int) -> str:
        return card_name(self.visit, method)

    # -- sentences -----------------------------------------------------------------------------------------------

    def _mail(self, fact: MailFact) -> str:
        match fact:
            case f.Noticed():
                return " ".join(tell_of_part(self.visit, part, self.invoices) for part in fact.parts)
            case f.WarnedOtherwise(subscription=sub, action=action, how=how, on=on):
                names = {"how": str(WARNED_BY[how]), "service": self._name(sub), "day": self.visit.day(on)}
                return str(SPOKEN[action]) % names
            case f.AddressAsked(again=again):
                if again:
                    return _("We asked whether the contact address is still right.")
                return _("A link was sent to confirm a new contact address.")
            case f.AddressConfirmed(changed=changed):
                return _("The contact address was changed.") if changed else _("The contact address was confirmed.")
            case f.NoticeAccepted() | f.NoticeFailed() | f.NoticeBounced():
                return ""  # What became of a message stands beside it, address by address.

    def _credited(self, fact: f.InvoiceCredited) -> str:
        amount = self.visit.amount(fact.minor, fact.currency)
        if not fact.debt:
            return _("A credit of %(amount)s was given.") % {"amount": amount}
        if fact.void:
            return _("%(numbers)s was withdrawn.") % {"numbers": self._numbers([fact.debt])}
        return _("%(amount)s less is asked for %(numbers)s.") % {
            "amount": amount, "numbers": self._numbers([fact.debt]),
        }  # fmt: skip

    def _money(self, fact: MoneyFact) -> str:
        amount, day = self.visit.amount, self.visit.day
        match fact:
            case f.InvoiceIssued(debt=debt):
                return _("Invoice %(number)s: %(amount)s, due on %(day)s.") % {
                    "number": debt.number, "amount": amount(debt.total_minor, debt.currency), "day": day(debt.due_on),
                }  # fmt: skip
            case f.PaymentBooked():
                return self._received(fact)
            case f.CreditAllocated():
                used = amount(sum(part.minor for part in fact.allocations), fact.currency)
                return _("%(amount)s of credit went to %(numbers)s.") % {
                    "amount": used, "numbers": self._numbers(part.debt for part in fact.allocations),
                }  # fmt: skip
            case f.WrittenOff():
                return _("%(amount)s of %(numbers)s is no longer asked for.") % {
                    "amount": amount(fact.minor, fact.currency), "numbers": self._numbers([fact.debt]),
                }  # fmt: skip
            case f.DebtReopened(debt=debt, given_up=True):
                return _("%(amount)s of %(number)s is asked for again.") % {
                    "amount": amount(fact.minor, debt.currency), "number": debt.number,
                }  # fmt: skip
            case f.InvoiceCredited():
                return self._credited(fact)
            case f.DueMoved():
                return _("%(numbers)s: the due date is now %(day)s.") % {
                    "numbers": self._numbers([fact.debt]), "day": day(fact.due_on),
                }  # fmt: skip
            case f.DebtReopened(debt=debt):
                return _("%(amount)s of %(number)s is open again: that money has gone back to the bank.") % {
                    "amount": amount(fact.minor, debt.currency), "number": debt.number,
                }  # fmt: skip

    def _received(self, fact: f.PaymentBooked) -> str:
        amount = self.visit.amount
        sums = {
            "amount": amount(fact.amount_minor, fact.currency),
            "credit": amount(fact.credit_minor, fact.currency),
            "numbers": self._numbers(part.debt for part in fact.allocations),
        }
        if not fact.allocations:
            return _("%(amount)s was received. It is kept as credit.") % sums
        if fact.credit_minor:
            return _("%(amount)s was received for %(numbers)s; %(credit)s of it is kept as credit.") % sums
        return _("%(amount)s was received for %(numbers)s.") % sums

    def _late(self, fact: LateFact, author: str) -> str:
        match fact:
            case f.BecamePastDue():
                text = _("Past due since %(since)s: %(numbers)s.") % {
                    "numbers": self._numbers(one.debt for one in fact.debts),
                    "since": self.visit.day(min((one.day_0 for one in fact.debts), default=fact.entered_on)),
                }
                counts = _("From here on the days count.")
                return f"{text} {counts}" if fact.opened else text
            case f.WithinTolerance(debts=debts):
                return _("What is left of %(numbers)s is so little that it is not past due.") % {
                    "numbers": self._numbers(debts)
                }
            case f.CaseEnded(outcome=outcome):
                return {
                    CaseOutcome.SETTLED: _("Nothing is past due any more. The case is closed."),
                    CaseOutcome.WRITTEN_OFF: _("What was past due is no longer asked for. The case is closed."),
                    CaseOutcome.ENDED_DELETED: _(
                        "The case is closed with the deletion. What is open can still be paid."
                    ),
                }[outcome]
            case f.ChargeDeclined(debts=debts):
                if author.startswith("provider:"):
                    return ""  # The attempt says so, with what to do about it.
                return _("The payment of %(numbers)s was declined.") % {"numbers": self._numbers(debts)}
            case f.AuthorisationDeclined():
                return _("Your card was refused for %(amount)s, which is not invoiced yet. Nothing is owed for it.") % {
                    "amount": self.visit.amount(fact.amount_minor, fact.currency)
                }

    def _cut(self, fact: CutFact, seq: int) -> str:
        name, day = self._name(fact.subscription), self.visit.day
        match fact:
            case f.Restricted(on=on):
                return _("%(service)s was restricted at the end of %(day)s.") % {"service": name, "day": day(on)}
            case f.Disabled(on=on):
                return _("%(service)s was stopped at the end of %(day)s. Its data is kept.") % {
                    "service": name, "day": day(on),
                }  # fmt: skip
            case f.Deferred(action=Action.DELETE):
                text = _(
                    "The data of %(service)s is kept for now: a payment is not clear yet. You are warned anew first."
                )
                return text % {"service": name}
            case f.Deferred():
                text = _("%(service)s goes on for now: a payment is not clear yet. You are warned anew first.")
                return text % {"service": name}
            case f.Resumed(order_no=order_no, after=after):
                return _resumed(order_no, after) % {"service": name}
            case f.DateMoved(action=action, on=on):
                what = will(action, name, day(on))
                text = _("The date has moved: %(what)s") if seq in self.earlier else _("Planned: %(what)s")
                return text % {"what": what}

    def _deletion(self, fact: DeletionFact) -> str:
        name = {"service": self._name(fact.subscription)}
        match fact:
            case f.DeletionScheduled():
                return _("The data of %(service)s is to be deleted. We look at your payments once more first.") % name
            case f.DeletionUnscheduled():
                return _("The data of %(service)s is not deleted after all.") % name
            case f.DeletionOrdered():
                return _("%(service)s was told to delete its data.") % name

    def _service(self, fact: ServiceFact) -> str:
        name = self._name(fact.subscription)
        match fact:
            case f.SubscriptionAdded():
                return _("%(service)s was added.") % {"service": name}
            case f.Canceled():
                return _("%(service)s was cancelled.") % {"service": name}
            case f.Reactivated():
                return _("The cancellation of %(service)s was taken back.") % {"service": name}
            case f.ReasonSet(reason=reason):
                return _("%(service)s was stopped: %(why)s.") % {"service": name, "why": WHY[reason]}
            case f.ReasonLifted(reason=reason):
                return _("For %(service)s this no longer holds: %(why)s.") % {"service": name, "why": WHY[reason]}
            case f.OrderAcknowledged(overtaken=True):
                return _("%(service)s was told something newer since, and goes by that.") % {"service": name}
            case f.OrderAcknowledged(order=order):
                return str(ACKNOWLEDGED[order]) % {"service": name}

    def _wait(self, fact: WaitFact) -> str:
        match fact:
            case f.HoldPlaced(hold=hold):
                return "" if hold.arrangement else self._hold(hold)
            case f.HoldEnded(hold=number):
                hold = self.holds[number]
                if hold.arrangement:
                    return ""  # what was promised says what became of it
                return _("The hold on %(what)s has ended.") % {"what": self.on_what(hold)}
            case f.DoubtRaised(doubt=DoubtKind.BANK_CREDIT):
                return _("A transfer has arrived that may be yours. While we find out, nothing is stopped or deleted.")
            case f.DoubtCleared(doubt=DoubtKind.BANK_CREDIT):
                return _("We know by now whose transfer that was.")
            case f.DoubtRaised(doubt=DoubtKind.TRANSFER, until=date() as until):
                text = _(
                    "You said that a transfer is on its way. Until %(day)s is over, nothing is stopped or deleted."
                )
                return text % {"day": self.visit.day(until)}
            case f.DoubtCleared(doubt=DoubtKind.TRANSFER):
                return _("We no longer wait for that transfer.")
            case f.DoubtRaised() | f.DoubtCleared():
                return ""  # An attempt tells its own course; what stands over the whole installation is staff's.

    def _hold(self, hold: Hold) -> str:
        if hold.scope is HoldScope.DEBT:
            text = _("Invoice %(numbers)s is on hold: nothing is asked for it, and nothing happens because of it.")
            return text % {"numbers": self._numbers([hold.target])}
        text = _("On hold for %(what)s: %(stops)s.")
        if hold.until is not None:
            text = _("On hold for %(what)s until the end of %(day)s: %(stops)s.")
        stops = self.visit.listed([str(STOPS[stop]) for stop in hold.stops])
        day = self.visit.day(hold.until) if hold.until else ""
        return text % {"what": self.on_what(hold), "stops": stops, "day": day}

    def on_what(self, hold: Hold) -> str:
        """What a hold is on, as it stands in a sentence."""
        match hold.scope:
            case HoldScope.DEBT:
                return _("invoice %(numbers)s") % {"numbers": self._numbers([hold.target])}
            case HoldScope.SUBSCRIPTION:
                return self._name(hold.target)
            case HoldScope.ACCOUNT:
                return _("this account")

    def _method(self, fact: MethodFact) -> str:
        card = {"card": self._card(fact.method)}
        match fact:
            case f.MethodAdded():
                return _("%(card)s was added. Nothing was collected by that.") % card
            case f.MethodActivated(subscriptions=()):
                return _("%(card)s now pays for what is added later.") % card
            case f.MethodActivated(subscriptions=numbers):
                return _("%(card)s now pays for %(services)s.") % {**card, "services": self._names(numbers)}
            case f.MethodRenewed(expires_on=on):
                return _("%(card)s is now valid until %(day)s.") % {**card, "day": self.visit.day(on)}
            case f.MethodSpent():
                return _("%(card)s works only once, so another payment method is needed.") % card
            case f.MethodRemoved():
                return _("%(card)s was removed.") % card

    def _card_tried(self, fact: f.CardTried) -> str:
        one = fact.tried
        if not fact.attempt:
            said = _("A card was declined while it was being added.")
        else:
            names = {"amount": self.visit.amount(one.amount_minor, one.currency)}
            said = _("The payment of %(amount)s was declined on the payment page. Nothing was taken.") % names
        return f"{said} {advice(self.visit, one.codes.decline)[0]}"

    def _try(self, fact: TryFact) -> str:
        if isinstance(fact, f.CardTried):
            return self._card_tried(fact)
        known = self.attempts[fact.attempt]
        names = {"amount": self.visit.amount(known.amount_minor, known.currency), "card": self._card(known.method)}
        match fact:
            case f.AttemptCreated(on_page=True):
                return _("A payment of %(amount)s was begun on the payment page.") % names
            case f.AttemptCreated(by=Initiator.CUSTOMER):
                return _("A payment of %(amount)s with %(card)s was begun.") % names
            case f.AttemptCreated():
                return _("We asked the bank for %(amount)s from %(card)s.") % names
            case f.ChallengeLapsed():
                lapsed = _("The bank's question about %(amount)s was not answered within a day. Nothing was taken.")
                return lapsed % names
            case f.AttemptMoved(to=AttemptState.DECLINED, codes=codes):
                declined = _("The payment of %(amount)s was declined. Nothing was taken.") % names
                return f"{declined} {advice(self.visit, codes.decline)[0]}"
            case f.AttemptMoved(to=AttemptState.NEEDS_CUSTOMER) if not known.on_page:
                return _("The bank wants %(amount)s to be confirmed.") % names
            case f.AttemptMoved(to=AttemptState.UNKNOWN):
                return (
                    _("The bank has not said what became of %(amount)s. We find out before anything else is tried.")
                    % names
                )
            case f.AttemptMoved(to=AttemptState.CANCELED):
                return _("The payment of %(amount)s was not carried on. Nothing was taken.") % names
            case f.AttemptMoved():
                return ""  # On its way, or paid: then it is told with the invoices that it paid.


def _resumed(order_no: int, after: State) -> str:
    if order_no:
        return _("%(service)s is being switched on again.")
    if after is State.DISABLED:
        return _("No payment keeps %(service)s stopped any more, but something else does.")
    return _("%(service)s is safe: nothing that concerns it is past due.")
