"""A method for each operation of the API. Generated: see generate.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from arrears_client.models import (
    AccountBody,
    AccountPage,
    AccountSaid,
    Activate,
    Address,
    AddressLink,
    AheadSaid,
    AlertsSaid,
    AttemptsSaid,
    BannerToken,
    CalledSubscriptionSaid,
    CasePage,
    CaseSaid,
    CreditBody,
    CreditSaid,
    DeclineBody,
    DeliveriesSaid,
    DisputeSaid,
    DueDate,
    EndpointRemoved,
    EndpointSaid,
    EndpointsSaid,
    EndpointWanted,
    EventsPage,
    Explained,
    Finish,
    HoldBody,
    HoldReleased,
    HoldSaid,
    InvoiceBody,
    InvoicePage,
    InvoiceSaid,
    InvoicesSaid,
    InvolvedPeople,
    InvolvedSaid,
    ListedInvoiceSaid,
    ListedSubscriptionSaid,
    Me,
    MessageTo,
    MethodSaid,
    MethodsSaid,
    OneInvoice,
    Other,
    OwedSaid,
    PaymentBody,
    PaymentSaid,
    PersonBody,
    PoliciesSaid,
    PolicySaid,
    Profile,
    PromiseBody,
    PromiseEnded,
    PromiseSaid,
    PromisesSaid,
    Reasoned,
    RecipientsSaid,
    RefundBody,
    RefundSaid,
    Renew,
    ReplayWanted,
    RotationWanted,
    RowsSaid,
    SentAccountSaid,
    SentInvoiceSaid,
    SentInvolvedSaid,
    SentSubscriptionSaid,
    Settle,
    SettledSaid,
    Setup,
    SetupSaid,
    StandingSaid,
    StandingsSaid,
    State,
    StatementFilesSaid,
    SubscriptionBody,
    SubscriptionPage,
    TakenBackSaid,
    TaskClosedSaid,
    TaskPage,
    TaskSaid,
    TellingsSaid,
    TimelinePage,
    Whom,
)
from arrears_client.transport import Headers, Query, path_of


class Operations:
    """Every operation, by the name that the API's document gives it."""

    def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        headers: Headers | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Any:
        raise NotImplementedError

    def _rows(self, path: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        raise NotImplementedError

    def _file(self, path: str, file: bytes, query: Query | None = None) -> Any:
        raise NotImplementedError

    def delete_account_payment_method(self, account: str, method: int, *, person: str | None = None) -> MethodsSaid:
        """Remove a method; 422 `method_held` lists what holds it and until when.

        DELETE /v1/accounts/{account}/payment-methods/{method}
        """
        return cast(
            "MethodsSaid",
            self._call(
                "DELETE",
                path_of("/v1/accounts/{account}/payment-methods/{method}", account=account, method=method),
                query={"person": person},
            ),
        )

    def delete_account_person(self, account: str, person: str) -> InvolvedPeople:
        """Take a billing reader off the account, or an invitation back. The administrator is replaced, not removed.

        DELETE /v1/accounts/{account}/people/{person}
        """
        return cast(
            "InvolvedPeople",
            self._call("DELETE", path_of("/v1/accounts/{account}/people/{person}", account=account, person=person)),
        )

    def delete_account_recipients_extra(self, account: str, *, address: str) -> RecipientsSaid:
        """Warn them no longer.

        DELETE /v1/accounts/{account}/recipients/extra
        """
        return cast(
            "RecipientsSaid",
            self._call(
                "DELETE",
                path_of("/v1/accounts/{account}/recipients/extra", account=account),
                query={"address": address},
            ),
        )

    def delete_event_endpoint(self, name: str) -> EndpointRemoved:
        """Send nothing there any more; the name may be used anew.

        DELETE /v1/event-endpoints/{name}
        """
        return cast("EndpointRemoved", self._call("DELETE", path_of("/v1/event-endpoints/{name}", name=name)))

    def get_account(self, ref: str) -> AccountSaid:
        """An account as it is here, by the operator's own reference; `ETag` is what `If-Match` asks.

        GET /v1/accounts/{ref}
        """
        return cast("AccountSaid", self._call("GET", path_of("/v1/accounts/{ref}", ref=ref)))

    def get_account_ahead(self, account: str, *, limit: int | None = None) -> AheadSaid:
        """What becomes of an account if nothing changes and nobody pays, in order: the decisions themselves, taken
        ahead of time. `at` is null for what is due at the next look, and for what waits for a doubt to be over.

        GET /v1/accounts/{account}/ahead
        """
        return cast(
            "AheadSaid",
            self._call("GET", path_of("/v1/accounts/{account}/ahead", account=account), query={"limit": limit}),
        )

    def get_account_alerts(self, account: str, *, lang: str | None = None) -> AlertsSaid:
        """What stands, the most urgent first, in the language of `?lang=`, else of the browser, else of the
        account.

        GET /v1/accounts/{account}/alerts
        """
        return cast(
            "AlertsSaid",
            self._call("GET", path_of("/v1/accounts/{account}/alerts", account=account), query={"lang": lang}),
        )

    def get_account_attempts(self, account: str) -> AttemptsSaid:
        """The book of attempts, newest first.

        GET /v1/accounts/{account}/attempts
        """
        return cast("AttemptsSaid", self._call("GET", path_of("/v1/accounts/{account}/attempts", account=account)))

    def get_account_explanation(self, account: str) -> Explained:
        """Reasoned an account is in its state, what comes next and what makes it wait, as `arrears explain --json`
        says it (docs/json.md): codes, dates, and the facts that are the evidence, by their numbers on the
        timeline.

        GET /v1/accounts/{account}/explanation
        """
        return cast("Explained", self._call("GET", path_of("/v1/accounts/{account}/explanation", account=account)))

    def get_account_payment_methods(self, account: str) -> MethodsSaid:
        """The account's payment methods, and the subscriptions that each pays for.

        GET /v1/accounts/{account}/payment-methods
        """
        return cast(
            "MethodsSaid", self._call("GET", path_of("/v1/accounts/{account}/payment-methods", account=account))
        )

    def get_account_people(self, account: str) -> InvolvedPeople:
        """Everybody with a role on the account, and everybody who is invited.

        GET /v1/accounts/{account}/people
        """
        return cast("InvolvedPeople", self._call("GET", path_of("/v1/accounts/{account}/people", account=account)))

    def get_account_person(self, account: str, person: str) -> InvolvedSaid:
        """One of them, by the address that they sign in with or are invited at, or by id (`per_12`).

        GET /v1/accounts/{account}/people/{person}
        """
        return cast(
            "InvolvedSaid",
            self._call("GET", path_of("/v1/accounts/{account}/people/{person}", account=account, person=person)),
        )

    def get_account_promises(self, account: str) -> PromisesSaid:
        """The promises that are open, the oldest first.

        GET /v1/accounts/{account}/promises
        """
        return cast("PromisesSaid", self._call("GET", path_of("/v1/accounts/{account}/promises", account=account)))

    def get_account_recipients(self, account: str) -> RecipientsSaid:
        """Every address of the account, and whether it works.

        GET /v1/accounts/{account}/recipients
        """
        return cast("RecipientsSaid", self._call("GET", path_of("/v1/accounts/{account}/recipients", account=account)))

    def get_account_settlement(self, account: str, *, also: Sequence[str] | None = None) -> OwedSaid:
        """What is owed now, one quote for each currency: send it back as it is to pay it. `?also=inv_12_3` adds an
        invoice that is not due yet.

        GET /v1/accounts/{account}/settlement
        """
        return cast(
            "OwedSaid",
            self._call("GET", path_of("/v1/accounts/{account}/settlement", account=account), query={"also": also}),
        )

    def get_account_subscription(self, account: str, subscription: str) -> CalledSubscriptionSaid:
        """A subscription as it is here: by the operator's own reference, its service, or its id (`sub_12_3`).

        GET /v1/accounts/{account}/subscriptions/{subscription}
        """
        return cast(
            "CalledSubscriptionSaid",
            self._call(
                "GET",
                path_of(
                    "/v1/accounts/{account}/subscriptions/{subscription}", account=account, subscription=subscription
                ),
            ),
        )

    def get_account_timeline(self, account: str, *, after: int | None = None, limit: int | None = None) -> TimelinePage:
        """Every fact of an account in order, `limit` at a time: send `after` as `next_after` said, until that is
        null. Facts are numbered without a gap that could be filled later, so whoever goes on misses none that is
        recorded meanwhile.

        GET /v1/accounts/{account}/timeline
        """
        return cast(
            "TimelinePage",
            self._call(
                "GET",
                path_of("/v1/accounts/{account}/timeline", account=account),
                query={"after": after, "limit": limit},
            ),
        )

    def each_fact_of(self, account: str, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Everything that `get_account_timeline` lists, page by page of `limit`."""
        after: int | None = None
        while True:
            page = self.get_account_timeline(account, after=after, limit=limit)
            yield from page["facts"]
            after = page["next_after"]
            if after is None:
                return

    def get_account_told_when(self, account: str) -> TellingsSaid:
        """Who will be told what, when: by the policy, and by the case that is open. Where nobody can be told,
        `unreachable` says why, since when, what waits, and what to do.

        GET /v1/accounts/{account}/told-when
        """
        return cast("TellingsSaid", self._call("GET", path_of("/v1/accounts/{account}/told-when", account=account)))

    def get_accounts(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        policy: str | None = None,
        in_case: bool | None = None,
    ) -> AccountPage:
        """Accounts in the order in which they came; those that follow a `policy`, those with a case that is open
        (`in_case=true`), or without.

        GET /v1/accounts
        """
        return cast(
            "AccountPage",
            self._call(
                "GET", "/v1/accounts", query={"after": after, "limit": limit, "policy": policy, "in_case": in_case}
            ),
        )

    def each_account(
        self, *, limit: int | None = None, policy: str | None = None, in_case: bool | None = None
    ) -> Iterator[AccountSaid]:
        """Everything that `get_accounts` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.get_accounts(after=after, limit=limit, policy=policy, in_case=in_case)
            yield from page["accounts"]
            after = page["next_after"]
            if after is None:
                return

    def get_case(self, case: str) -> CaseSaid:
        """One case (`case_12_1`); while it is open with what `arrears explain --json` says of its account
        (`explanation`): codes, dates and the facts that are the evidence.

        GET /v1/cases/{case}
        """
        return cast("CaseSaid", self._call("GET", path_of("/v1/cases/{case}", case=case)))

    def get_cases(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        account: str | None = None,
        open: bool | None = None,
    ) -> CasePage:
        """Past-due episodes; of one `account`, those that are `open`, or have ended.

        GET /v1/cases
        """
        return cast(
            "CasePage",
            self._call("GET", "/v1/cases", query={"after": after, "limit": limit, "account": account, "open": open}),
        )

    def each_case(
        self, *, limit: int | None = None, account: str | None = None, open: bool | None = None
    ) -> Iterator[CaseSaid]:
        """Everything that `get_cases` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.get_cases(after=after, limit=limit, account=account, open=open)
            yield from page["cases"]
            after = page["next_after"]
            if after is None:
                return

    def get_event_endpoint_deliveries(
        self, name: str, *, state: Literal["pending", "acknowledged", "parked"] | None = None, limit: int | None = None
    ) -> DeliveriesSaid:
        """What an endpoint was sent, the newest first, and what it answered.

        GET /v1/event-endpoints/{name}/deliveries
        """
        return cast(
            "DeliveriesSaid",
            self._call(
                "GET",
                path_of("/v1/event-endpoints/{name}/deliveries", name=name),
                query={"state": state, "limit": limit},
            ),
        )

    def get_event_endpoints(self) -> EndpointsSaid:
        """The endpoints, how they do, and how much was taken, waits, or is parked.

        GET /v1/event-endpoints
        """
        return cast("EndpointsSaid", self._call("GET", "/v1/event-endpoints"))

    def get_events(
        self, *, after: str | None = None, limit: int | None = None, type: Sequence[str] | None = None
    ) -> EventsPage:
        """Events after a cursor, the oldest first. Go on with `cursor`, until it stays as it was.

        GET /v1/events
        """
        return cast("EventsPage", self._call("GET", "/v1/events", query={"after": after, "limit": limit, "type": type}))

    def get_invoice(self, number: str) -> InvoiceSaid:
        """An invoice as it is here, by its own number.

        GET /v1/invoices/{number}
        """
        return cast("InvoiceSaid", self._call("GET", path_of("/v1/invoices/{number}", number=number)))

    def get_invoices(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        account: str | None = None,
        open: bool | None = None,
        past_due: bool | None = None,
    ) -> InvoicePage:
        """Invoices; of one `account`, of which something is `open`, that are `past_due`, or not.

        GET /v1/invoices
        """
        return cast(
            "InvoicePage",
            self._call(
                "GET",
                "/v1/invoices",
                query={"after": after, "limit": limit, "account": account, "open": open, "past_due": past_due},
            ),
        )

    def each_invoice(
        self,
        *,
        limit: int | None = None,
        account: str | None = None,
        open: bool | None = None,
        past_due: bool | None = None,
    ) -> Iterator[ListedInvoiceSaid]:
        """Everything that `get_invoices` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.get_invoices(after=after, limit=limit, account=account, open=open, past_due=past_due)
            yield from page["invoices"]
            after = page["next_after"]
            if after is None:
                return

    def get_me(self) -> Me:
        """Say whose token this is, and what it may do.

        GET /v1/me
        """
        return cast("Me", self._call("GET", "/v1/me"))

    def get_policies(self) -> PoliciesSaid:
        """The policies in force, and how many accounts follow each; `GET /v1/accounts?policy=NAME` lists those.

        GET /v1/policies
        """
        return cast("PoliciesSaid", self._call("GET", "/v1/policies"))

    def get_policy(self, name: str) -> PolicySaid:
        """One policy as it is in force, each key with its value.

        GET /v1/policies/{name}
        """
        return cast("PolicySaid", self._call("GET", path_of("/v1/policies/{name}", name=name)))

    def get_standing(self, *, of: str, if_none_match: str | None = None) -> StandingsSaid | None:
        """May this be used, read, changed? Keep the answer for `max-age`, then ask with `If-None-Match`.

        GET /v1/standing
        """
        return cast(
            "StandingsSaid | None",
            self._call("GET", "/v1/standing", query={"of": of}, headers={"If-None-Match": if_none_match}),
        )

    def get_subscription_standing(self, subscription: str, *, if_none_match: str | None = None) -> StandingSaid | None:
        """May this be used, read, changed? Keep the answer for `max-age`, then ask with `If-None-Match`.

        GET /v1/subscriptions/{subscription}/standing
        """
        return cast(
            "StandingSaid | None",
            self._call(
                "GET",
                path_of("/v1/subscriptions/{subscription}/standing", subscription=subscription),
                headers={"If-None-Match": if_none_match},
            ),
        )

    def get_subscriptions(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        account: str | None = None,
        service: str | None = None,
        state: State | None = None,
    ) -> SubscriptionPage:
        """Subscriptions; of one `account`, to one `service`, in one `state`.

        GET /v1/subscriptions
        """
        return cast(
            "SubscriptionPage",
            self._call(
                "GET",
                "/v1/subscriptions",
                query={"after": after, "limit": limit, "account": account, "service": service, "state": state},
            ),
        )

    def each_subscription(
        self,
        *,
        limit: int | None = None,
        account: str | None = None,
        service: str | None = None,
        state: State | None = None,
    ) -> Iterator[ListedSubscriptionSaid]:
        """Everything that `get_subscriptions` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.get_subscriptions(after=after, limit=limit, account=account, service=service, state=state)
            yield from page["subscriptions"]
            after = page["next_after"]
            if after is None:
                return

    def get_tasks(
        self, *, after: int | None = None, limit: int | None = None, account: str | None = None, kind: str | None = None
    ) -> TaskPage:
        """What waits for a person, in the order in which it was first asked for; about one `account`, of one
        `kind`.

        GET /v1/tasks
        """
        return cast(
            "TaskPage",
            self._call("GET", "/v1/tasks", query={"after": after, "limit": limit, "account": account, "kind": kind}),
        )

    def each_task(
        self, *, limit: int | None = None, account: str | None = None, kind: str | None = None
    ) -> Iterator[TaskSaid]:
        """Everything that `get_tasks` lists, page by page of `limit`."""
        after: int | None = None
        while True:
            page = self.get_tasks(after=after, limit=limit, account=account, kind=kind)
            yield from page["tasks"]
            after = page["next_after"]
            if after is None:
                return

    def post_account_banner_token(self, account: str) -> BannerToken:
        """A token for the banner of this account. Minted by the operator's backend for a person who is signed in
        there: it grants less than the token that asks for it, so one that may read may ask.

        POST /v1/accounts/{account}/banner-token
        """
        return cast("BannerToken", self._call("POST", path_of("/v1/accounts/{account}/banner-token", account=account)))

    def post_account_contact_address(self, account: str, body: Address, *, idempotency_key: str = "") -> AddressLink:
        """Send a link to a new contact address. Mail goes there once the link has been used.

        POST /v1/accounts/{account}/contact-address
        """
        return cast(
            "AddressLink",
            self._call(
                "POST",
                path_of("/v1/accounts/{account}/contact-address", account=account),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_payment_method_activate(
        self, account: str, method: int, body: Activate, *, idempotency_key: str = ""
    ) -> MethodsSaid:
        """Let a method pay for subscriptions from now on, where nothing is past due.

        POST /v1/accounts/{account}/payment-methods/{method}/activate
        """
        return cast(
            "MethodsSaid",
            self._call(
                "POST",
                path_of("/v1/accounts/{account}/payment-methods/{method}/activate", account=account, method=method),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_payment_method_renew(
        self, account: str, method: int, body: Renew, *, idempotency_key: str = ""
    ) -> MethodsSaid:
        """The same card with its new expiry.

        POST /v1/accounts/{account}/payment-methods/{method}/renew
        """
        return cast(
            "MethodsSaid",
            self._call(
                "POST",
                path_of("/v1/accounts/{account}/payment-methods/{method}/renew", account=account, method=method),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_payment_methods(self, account: str, body: Setup, *, idempotency_key: str = "") -> SetupSaid:
        """The provider's page on which a person sets up a method; nothing is collected. Needs an `Idempotency-Key`.

        POST /v1/accounts/{account}/payment-methods
        """
        return cast(
            "SetupSaid",
            self._call(
                "POST",
                path_of("/v1/accounts/{account}/payment-methods", account=account),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_payment_methods_finish(
        self, account: str, body: Finish, *, idempotency_key: str = ""
    ) -> MethodSaid:
        """Store what was set up on a page; the same page gives the same method. It pays for what none pays for;
        nothing is collected at once.

        POST /v1/accounts/{account}/payment-methods/finish
        """
        return cast(
            "MethodSaid",
            self._call(
                "POST",
                path_of("/v1/accounts/{account}/payment-methods/finish", account=account),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_promises(self, account: str, body: PromiseBody, *, idempotency_key: str = "") -> PromiseSaid:
        """Agree when what is past due is paid. Until the next day of it nothing is sent, charged or stopped because
        of these invoices; a day that passes unpaid breaks it, and the ladder goes on where it had stopped. An
        invoice is in one promise at a time (409 `already_promised`).

        POST /v1/accounts/{account}/promises
        """
        return cast(
            "PromiseSaid",
            self._call(
                "POST", path_of("/v1/accounts/{account}/promises", account=account), body=body, key=idempotency_key
            ),
        )

    def post_account_settlement(self, account: str, body: Settle, *, idempotency_key: str = "") -> SettledSaid:
        """Charge exactly what was shown, once, whoever else asks the same; needs an `Idempotency-Key`. A decline is
        an answer (200) with what to do about it; 409 `stale_quote` carries what is owed now.

        POST /v1/accounts/{account}/settlement
        """
        return cast(
            "SettledSaid",
            self._call(
                "POST", path_of("/v1/accounts/{account}/settlement", account=account), body=body, key=idempotency_key
            ),
        )

    def post_account_subscription_cancel(
        self, account: str, subscription: str, body: Reasoned, *, idempotency_key: str = ""
    ) -> CalledSubscriptionSaid:
        """End a subscription today: it is stopped, what is open stays, and its data is kept for the days of
        retention.

        POST /v1/accounts/{account}/subscriptions/{subscription}/cancel
        """
        return cast(
            "CalledSubscriptionSaid",
            self._call(
                "POST",
                path_of(
                    "/v1/accounts/{account}/subscriptions/{subscription}/cancel",
                    account=account,
                    subscription=subscription,
                ),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_subscription_reactivate(
        self, account: str, subscription: str, body: Reasoned, *, idempotency_key: str = ""
    ) -> CalledSubscriptionSaid:
        """Take the cancellation of a subscription back; it runs again unless something else keeps it stopped.

        POST /v1/accounts/{account}/subscriptions/{subscription}/reactivate
        """
        return cast(
            "CalledSubscriptionSaid",
            self._call(
                "POST",
                path_of(
                    "/v1/accounts/{account}/subscriptions/{subscription}/reactivate",
                    account=account,
                    subscription=subscription,
                ),
                body=body,
                key=idempotency_key,
            ),
        )

    def post_account_test_message(self, account: str, body: Whom, *, idempotency_key: str = "") -> MessageTo:
        """Send a person a test message.

        POST /v1/accounts/{account}/test-message
        """
        return cast(
            "MessageTo",
            self._call(
                "POST", path_of("/v1/accounts/{account}/test-message", account=account), body=body, key=idempotency_key
            ),
        )

    def post_bank_statements(
        self, file: bytes, *, name: str | None = None, map: str | None = None, dry_run: bool | None = None
    ) -> StatementFilesSaid:
        """A statement of your bank: CAMT.053 (.052 and .054 as early notices), MT940 or MT942, as it came, or a CSV
        whose columns a `map` of yours explains (docs/statements.md). What is matched by itself is booked at
        once. Sent again nothing is booked twice. What does not add up, or cannot be read, is set aside whole
        with a task (422 and others); `file` then says what was found in it. An unknown or wrong `map` (422):
        nothing was read.

        POST /v1/bank/statements
        """
        return cast(
            "StatementFilesSaid",
            self._file("/v1/bank/statements", file, query={"name": name, "map": map, "dry_run": dry_run}),
        )

    def post_credits(self, body: CreditBody, *, idempotency_key: str = "") -> CreditSaid:
        """Ask so much less of an invoice; what is paid of that already is account credit. Once for each `number` of
        the account (409 `duplicate_credit`).

        POST /v1/credits
        """
        return cast("CreditSaid", self._call("POST", "/v1/credits", body=body, key=idempotency_key))

    def post_declines(self, body: DeclineBody, *, idempotency_key: str = "") -> InvoicesSaid:
        """Report that a charge that somebody else made was definitively declined: what it was for is past due from
        today.

        POST /v1/declines
        """
        return cast("InvoicesSaid", self._call("POST", "/v1/declines", body=body, key=idempotency_key))

    def post_disputes(self, body: OneInvoice, *, idempotency_key: str = "") -> DisputeSaid:
        """Hold everything about an invoice to which the customer objects, until the hold is released.

        POST /v1/disputes
        """
        return cast("DisputeSaid", self._call("POST", "/v1/disputes", body=body, key=idempotency_key))

    def post_due_dates(self, body: DueDate, *, idempotency_key: str = "") -> InvoiceSaid:
        """Give an invoice another due date: later, or earlier as long as nothing about it was said to the customer.

        POST /v1/due-dates
        """
        return cast("InvoiceSaid", self._call("POST", "/v1/due-dates", body=body, key=idempotency_key))

    def post_event_endpoint_replay(self, name: str, body: ReplayWanted, *, idempotency_key: str = "") -> EndpointSaid:
        """Send everything after an event again, with the same ids. Needs an `Idempotency-Key`.

        POST /v1/event-endpoints/{name}/replay
        """
        return cast(
            "EndpointSaid",
            self._call("POST", path_of("/v1/event-endpoints/{name}/replay", name=name), body=body, key=idempotency_key),
        )

    def post_event_endpoint_rotate(self, name: str, body: RotationWanted, *, idempotency_key: str = "") -> EndpointSaid:
        """Another secret, in this answer alone; the one before signs too for a while. Needs an `Idempotency-Key`.

        POST /v1/event-endpoints/{name}/rotate
        """
        return cast(
            "EndpointSaid",
            self._call("POST", path_of("/v1/event-endpoints/{name}/rotate", name=name), body=body, key=idempotency_key),
        )

    def post_hold_release(self, hold: str, body: Reasoned, *, idempotency_key: str = "") -> HoldReleased:
        """End a hold now. Warnings whose date it moved no longer count: new ones follow, with their whole lead.

        POST /v1/holds/{hold}/release
        """
        return cast(
            "HoldReleased",
            self._call("POST", path_of("/v1/holds/{hold}/release", hold=hold), body=body, key=idempotency_key),
        )

    def post_holds(self, body: HoldBody, *, idempotency_key: str = "") -> HoldSaid:
        """Stop escalation until a day: of an account, or of one subscription or invoice of it.

        POST /v1/holds
        """
        return cast("HoldSaid", self._call("POST", "/v1/holds", body=body, key=idempotency_key))

    def post_payment_refund(self, payment: str, body: RefundBody, *, idempotency_key: str = "") -> RefundSaid:
        """Give back a payment or a part of it; it reopens nothing unless you say so. Needs an `Idempotency-Key`:
        with the same one it is the same refund, for ever.

        POST /v1/payments/{payment}/refund
        """
        return cast(
            "RefundSaid",
            self._call(
                "POST", path_of("/v1/payments/{payment}/refund", payment=payment), body=body, key=idempotency_key
            ),
        )

    def post_payment_take_back(self, payment: str, body: Reasoned, *, idempotency_key: str = "") -> TakenBackSaid:
        """A payment that was booked from outside never came, or has left again, all of it: what it paid is owed
        again from today. What a payment provider took is refused: it reports that by itself.

        POST /v1/payments/{payment}/take-back
        """
        return cast(
            "TakenBackSaid",
            self._call(
                "POST", path_of("/v1/payments/{payment}/take-back", payment=payment), body=body, key=idempotency_key
            ),
        )

    def post_payments(self, body: PaymentBody, *, idempotency_key: str = "") -> PaymentSaid:
        """Book money that arrived outside arrears, once for its `ref` (409 `duplicate_payment`).

        POST /v1/payments
        """
        return cast("PaymentSaid", self._call("POST", "/v1/payments", body=body, key=idempotency_key))

    def post_promise_end(self, promise: str, body: Reasoned, *, idempotency_key: str = "") -> PromiseEnded:
        """End a promise before it is kept: the ladder goes on where it had stopped, with new warnings and their
        whole lead.

        POST /v1/promises/{promise}/end
        """
        return cast(
            "PromiseEnded",
            self._call("POST", path_of("/v1/promises/{promise}/end", promise=promise), body=body, key=idempotency_key),
        )

    def post_task_close(self, task_no: int, body: Reasoned, *, idempotency_key: str = "") -> TaskClosedSaid:
        """Close a task that was dealt with. What asks for it again opens another.

        POST /v1/tasks/{task_no}/close
        """
        return cast(
            "TaskClosedSaid",
            self._call("POST", path_of("/v1/tasks/{task_no}/close", task_no=task_no), body=body, key=idempotency_key),
        )

    def post_upserts(self, rows: Iterable[Mapping[str, Any]]) -> RowsSaid:
        """Many rows at once, a JSON object on each line: `"kind": "account"` with `ref`, or `"kind": "invoice"`
        with `number`, and what a PUT would say. Each account is taken with all its rows or left as it was; the
        answer says of each row which, in order. Sent again it changes nothing more.

        POST /v1/upserts
        """
        return cast("RowsSaid", self._rows("/v1/upserts", rows))

    def post_voids(self, body: OneInvoice, *, idempotency_key: str = "") -> InvoiceSaid:
        """Withdraw an invoice: nothing is asked any more; what is paid of it is account credit.

        POST /v1/voids
        """
        return cast("InvoiceSaid", self._call("POST", "/v1/voids", body=body, key=idempotency_key))

    def post_write_offs(self, body: OneInvoice, *, idempotency_key: str = "") -> InvoiceSaid:
        """Give up what is open of an invoice. It ends what that caused, as a payment does.

        POST /v1/write-offs
        """
        return cast("InvoiceSaid", self._call("POST", "/v1/write-offs", body=body, key=idempotency_key))

    def put_account(
        self, ref: str, body: AccountBody, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> SentAccountSaid:
        """Say what an account is; it is opened if it is not there (201). With `If-Match` only while it is as it was
        read, with `If-None-Match: *` only if it is not there.

        PUT /v1/accounts/{ref}
        """
        return cast(
            "SentAccountSaid",
            self._call(
                "PUT",
                path_of("/v1/accounts/{ref}", ref=ref),
                headers={"If-Match": if_match, "If-None-Match": if_none_match},
                body=body,
            ),
        )

    def put_account_person(self, account: str, person: str, body: PersonBody) -> SentInvolvedSaid:
        """Say what somebody at an address may do: they are invited (201), unless they are already, or have that
        role. An account has one administrator (409 `administrator_exists`).

        PUT /v1/accounts/{account}/people/{person}
        """
        return cast(
            "SentInvolvedSaid",
            self._call(
                "PUT", path_of("/v1/accounts/{account}/people/{person}", account=account, person=person), body=body
            ),
        )

    def put_account_person_profile(self, account: str, person: str, body: Profile) -> RecipientsSaid:
        """In which language and zone a person of this account reads.

        PUT /v1/accounts/{account}/people/{person}/profile
        """
        return cast(
            "RecipientsSaid",
            self._call(
                "PUT",
                path_of("/v1/accounts/{account}/people/{person}/profile", account=account, person=person),
                body=body,
            ),
        )

    def put_account_recipients_extra(self, account: str, body: Other) -> RecipientsSaid:
        """Warn somebody else too; the same address again changes name and language.

        PUT /v1/accounts/{account}/recipients/extra
        """
        return cast(
            "RecipientsSaid",
            self._call("PUT", path_of("/v1/accounts/{account}/recipients/extra", account=account), body=body),
        )

    def put_account_subscription(self, account: str, subscription: str, body: SubscriptionBody) -> SentSubscriptionSaid:
        """Say by which reference of your own the account's subscription to a service is called; it is added if
        there is none yet. What it is for and what it is called never change (409 `duplicate_ref`).

        PUT /v1/accounts/{account}/subscriptions/{subscription}
        """
        return cast(
            "SentSubscriptionSaid",
            self._call(
                "PUT",
                path_of(
                    "/v1/accounts/{account}/subscriptions/{subscription}", account=account, subscription=subscription
                ),
                body=body,
            ),
        )

    def put_event_endpoint(self, name: str, body: EndpointWanted) -> EndpointSaid:
        """Make an endpoint, or say of one that is there where it is, what it wants, and whether it is on. `secret`
        is in the answer that made it alone.

        PUT /v1/event-endpoints/{name}
        """
        return cast("EndpointSaid", self._call("PUT", path_of("/v1/event-endpoints/{name}", name=name), body=body))

    def put_invoice(
        self, number: str, body: InvoiceBody, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> SentInvoiceSaid:
        """Say what an invoice asks and how it stands; it is issued if it is not there (201). Its account must be
        there. What cannot be taken is 409 `conflicting_row`, and puts the account in doubt as a row of a file
        does.

        PUT /v1/invoices/{number}
        """
        return cast(
            "SentInvoiceSaid",
            self._call(
                "PUT",
                path_of("/v1/invoices/{number}", number=number),
                headers={"If-Match": if_match, "If-None-Match": if_none_match},
                body=body,
            ),
        )
