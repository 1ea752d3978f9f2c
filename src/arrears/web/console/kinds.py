"""The acts of staff and the fields of their forms, by name."""

from __future__ import annotations

from enum import StrEnum


class StaffForm(StrEnum):
    """An act by its name in an address: `/console/acc_12/hold`."""

    HOLD = "hold"
    RELEASE = "release-hold"
    PROMISE = "promise"
    END_PROMISE = "end-promise"
    DISPUTE = "dispute"
    DUE_DATE = "due-date"
    CREDIT = "credit"
    VOID = "void"
    WRITE_OFF = "write-off"
    PAYMENT = "payment"
    WARNED = "told"
    CANCEL = "cancel"
    REACTIVATE = "reactivate"


class FormField(StrEnum):
    """What a form asks for besides the reason."""

    SCOPE = "scope"
    INVOICE = "invoice"
    AMOUNT = "amount"
    SUBSCRIPTION = "subscription"
    HOLD = "hold"
    PROMISED = "promised"
    ARRANGEMENT = "arrangement"
    DAY = "day"
    COUNT = "count"
    EVERY = "every"
    COLLECTED = "collected"
    REF = "ref"
    ACTION = "action"
    HOW = "how"
    PROOF = "proof"
