"""What a bank says of what comes back: that it does, what had been paid, and what was kept."""

from __future__ import annotations

import pytest
from tests.adapters.test_statements import camt, entry, only, swift

RETURNED = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
PAID = "<AmtDtls><InstdAmt><Amt Ccy='{}'>{}</Amt></InstdAmt></AmtDtls>"
KEPT = "<Chrgs><Rcrd><Amt Ccy='EUR'>5.00</Amt></Rcrd></Chrgs>"


@pytest.mark.parametrize(
    ("details", "more", "original", "charges"),
    [
        (KEPT + RETURNED, "", 0, 500),
        (RETURNED, KEPT, 0, 500),
        ("<Chrgs><Amt Ccy='EUR'>5.00</Amt></Chrgs>" + RETURNED, "", 0, 500),
        ("<Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>5.00</TtlChrgsAndTaxAmt></Chrgs>" + RETURNED, "", 0, 500),
        (PAID.format("EUR", "100.00") + KEPT + RETURNED, KEPT, 10_000, 500),
        (PAID.replace("InstdAmt", "TxAmt").format("EUR", "100.00") + RETURNED, "", 10_000, 0),
        (PAID.format("EUR", "95.00") + RETURNED, "", 0, 0),
        (PAID.format("USD", "100.00") + KEPT.replace("EUR", "USD") + RETURNED, "", 0, 0),
        (PAID.format("EUR", "100.00") + KEPT, "<RvslInd>true</RvslInd>", 10_000, 500),
        (PAID.format("EUR", "100.00") + KEPT, "", 0, 0),
    ],
    ids=["the transfer's charges", "the entry's", "version 2", "in sum", "both", "the transaction's amount", "the same",
         "another currency", "a reversal", "no return"],
)  # fmt: skip
def test_camt_says_what_had_been_paid_and_what_was_kept(details: str, more: str, original: int, charges: int) -> None:
    content = camt(entry("95.00", "DBIT", more=more, details=f"<TxDtls>{details}</TxDtls>"), closing="5.00")
    [said] = only(content).entries[0].transactions
    assert (said.amount_minor, said.original_minor, said.charges_minor) == (-9_500, original, charges)


def test_of_a_batch_each_transfer_has_its_own() -> None:
    parts = "".join(
        f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt>{more}</TxDtls>"
        for amount, more in (("20.00", PAID.format("EUR", "25.00") + RETURNED), ("30.00", KEPT + RETURNED))
    )
    [one] = only(camt(entry("50.00", "DBIT", details=parts), closing="50.00")).entries
    assert [(part.original_minor, part.charges_minor) for part in one.transactions] == [(2_500, 0), (0, 500)]


def test_what_came_in_real_time_is_new_money() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{}</Cd>{}</Fmly></Domn></BkTxCd>"
    made = {"RRCT": "", "RCDT": "<SubFmlyCd>RRTN</SubFmlyCd>"}
    for family, inside in made.items():
        content = camt(entry(more=code.format(family, inside), details="<TxDtls/>"))
        [said] = only(content).entries[0].transactions
        assert said.returned is (family == "RCDT")


@pytest.mark.parametrize(
    ("lines", "original", "charges"),
    [
        ((":61:2602270227D95,00NRTINONREF", "/OCMT/EUR100,00/CHGS/EUR5,00/", ":86:x"), 10_000, 500),
        ((":61:2602270227RC95,00NTRFNONREF", ":86:/EREF/E1/OCMT/EUR100,00//CHGS/EUR5,/"), 10_000, 500),
        (
            (":61:2602270227D95,00NMSCNONREF", ":86:109?00X?20EREF+E1?21OAMT+100,00 COAM+5,00 SV?22WZ+x"),
            10_000,
            500,
        ),
        ((":61:2602270227D95,00NMSCNONREF", ":86:109?00RUECK?20OAMT+95,00?21COAM+much"), 0, 0),
        ((":61:2602270227D95,00NRTINONREF", "/OCMT/USD100,00/CHGS/USD5,00/", ":86:x"), 0, 0),
        ((":61:2602270227D95,00NTRFNONREF", "/OCMT/EUR100,00/CHGS/EUR5,00/", ":86:x"), 0, 0),
        ((":61:2602270227D95,00NRTINONREF", "/OCMT/EUR100,001/CHGS/EUR/", ":86:x"), 0, 0),
    ],
    ids=["below the entry", "named", "german", "the same and a word", "another currency", "no return", "no amounts"],
)
def test_swift_says_what_had_been_paid_and_what_was_kept(lines: tuple[str, ...], original: int, charges: int) -> None:
    [one] = only(swift(*lines, closing="C260227EUR5,00")).entries
    [said] = one.transactions
    assert (said.amount_minor, said.original_minor, said.charges_minor) == (-9_500, original, charges)


@pytest.mark.parametrize(
    ("code", "returned"), [("109", True), ("159", True), ("160", True), ("118", False), ("168", False), ("166", False)]
)
def test_which_german_codes_are_of_what_comes_back(code: str, returned: bool) -> None:
    [one] = only(swift(":61:2602270227C50,00NTRFNONREF", f":86:{code}?00X?20SVWZ+INV-1")).entries
    assert one.transactions[0].returned is returned
