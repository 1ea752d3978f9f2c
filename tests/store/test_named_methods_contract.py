"""One contract, two stores: the payment methods that books name, what waits of them, and what became of each."""

from __future__ import annotations

from msgspec.structs import replace
from tests.store.contract import API, AnyStore, at
from tests.store.test_import_contract import ANNE, BOOK, ONE, comes

from arrears.core.payments.values import MethodDetails, MethodKind, Network
from arrears.core.policy import default_policy
from arrears.core.receivables import NamedMethod, ReceivablesBook
from arrears.engine.payments import methods
from arrears.engine.payments.providers import NO_PROVIDERS
from arrears.engine.system import adopt_policy

FIRST = NamedMethod("stripe", "cus_1", "pm_1")
SECOND = FIRST._replace(ref="pm_2")


def said(method: NamedMethod | None, ref: str = "A") -> ReceivablesBook:
    """A book of one customer with this word about the payment method."""
    invoice = replace(ONE, number=f"I-{ref}", account_ref=ref)
    return replace(BOOK, accounts=(replace(ANNE, ref=ref, method=method),), invoices=(invoice,))


def test_what_a_book_names_waits_once_and_a_newer_word_waits_again(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    comes(store, said(FIRST), 2)
    assert store.described([1])[1].method == FIRST
    assert [(w.account, w.method, w.named_at, tuple(w.also)) for w in store.waiting_methods(["stripe"], 9)] == [
        (1, FIRST, at(2), ())
    ]
    assert (list(store.waiting_methods(["till"], 9)), list(store.waiting_methods(["stripe"], 0))) == ([], [])
    store.answer_method(1, SECOND, "refused", "an answer about another word")
    store.answer_method(1, FIRST, "added", "")
    assert (list(store.waiting_methods(["stripe"], 9)), store.named_methods()) == ([], {("stripe", "added"): 1})
    assert comes(store, said(FIRST), 3).changed == {}
    assert comes(store, said(None), 3).changed == {}, "an empty cell takes nothing away"
    assert store.named_methods() == {("stripe", "added"): 1}
    assert comes(store, said(SECOND), 4).changed == {"method": 1}
    assert [w.method for w in store.waiting_methods(["stripe"], 9)] == [SECOND]
    store.answer_method(1, SECOND, "refused", "it is not there")
    assert (store.refused_methods([1, 2]), store.named_methods()) == (
        {1: "it is not there"},
        {("stripe", "refused"): 1},
    )


def test_whoever_else_names_or_has_it_is_told(store: AnyStore) -> None:
    adopt_policy(store, default_policy(), at(1), "staff:1")
    comes(store, said(None, "A"), 2)
    comes(store, said(FIRST, "B"), 2)
    comes(store, said(FIRST, "C"), 2)
    assert [tuple(w.also) for w in store.waiting_methods(["stripe"], 9)] == [(3,), (2,)]
    details = MethodDetails("pm_1", "cus_1", MethodKind.CARD, Network.VISA, "print", "Visa 4242")
    methods.add(store, NO_PROVIDERS, 1, "stripe", details, at(3), API)
    assert [tuple(w.also) for w in store.waiting_methods(["stripe"], 9)] == [(1, 3), (1, 2)]
