"""What billing systems call things: names of columns and words in their cells, in small letters without marks."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Field -> names of columns, the surest first.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "ref": _words(
        "customerid customernumber customerno customerexternalid accountexternalkey accountnumber accountref userid"
        " clientid kundennr kundennummer kdnr debitor debitorennr debitorkonto konto codeclient numeroclient"
        " clientnumber customer partnernumber account party cust contactid client contactname customername clientname"
        " kunde nom invoicepartnerdisplayname partner company"
    ),
    "name": _words(
        "customername companyname clientname accountname contactname partyname kunde kundenname firma nom raisonsociale"
        " name company"
    ),
    "email": _words("customeremail emailaddress primarycontactemailid billingemail email mail courriel"),
    "country": _words("customercountry billingcountry country countrycode land pays"),
    "number": _words(
        "invoicenumber invoiceno invoicenum invoice# number num voucherno belegnr belegnummer rechnungsnr"
        " rechnungsnummer rechnung numerofacture facture documentnumber documentno inv invoice invoiceid id"
    ),
    "issued_on": _words(
        "invoicedate invoicebilldate dateissued issuedate issuingdate issueddate postingdate documentdate belegdatum"
        " rechnungsdatum datefacture datedefacture dateutc issued datum date"
    ),
    "due_on": _words(
        "duedate paymentduedate netduedate datedue duedateutc falligkeit fallig falligam falligkeitsdatum echeance"
        " dateecheance due"
    ),
    "amount": _words(
        "totalincurrencysigned total totalamount invoicetotal invoiceamount totalsigned totalamountcents"
        " totalcents grandtotal invoicedamount amountcharged betrag bruttobetrag rechnungsbetrag sollbetrag"
        " montantttc montant linetotal amountindoccurr amountinlocalcurrency amount"
    ),
    "currency": _words("currency currencycode doccurrency documentcurrency localcurrency wahrung devise curr cur"),
    "open": _words(
        "amountremaining balance openbalance invoiceamountdue amountdue amountduesigned outstandingamount outstanding"
        " balancedue restbetrag offenerbetrag offen saldo restedu solde residual"
    ),
    "paid": _words("amountpaid invoiceamountpaid paidamount amountpaidcents"),
    "paid_on": _words(
        "paidat paidatutc datepaid paiddate paymentdate settleddate lastpaymentdate zahldatum bezahltam regle regleele"
        " reglele datedepaiement paidon"
    ),
    "paid_amount": _words("paymentamount zahlbetrag paid amountreceived montantregle"),
    "payment_ref": _words("paymentid paymentref paymentreference zahlungsnr transactionid pref"),
    "status": _words("invoicestatus paymentstatus status etat"),
    "kind": _words("transactiontype vouchertype documenttype belegart type"),
    "disputed": _words("disputed disp"),
    "service": _words("service product plan produkt svc"),
}

_MARKS: Final = re.compile(r"[^a-z0-9#]+")
_FOLDED: Final = str.maketrans("äöüéèêàâçß", "aoueeeaacs")

STATUS: Final[dict[str, str]] = {
    **dict.fromkeys(
        _words(
            "open sent late overdue unpaid pending posted viewed partial partiallypaid awaitingpayment due paymentdue"
            " notpaid failed autopaid retry offen unbezahlt impayee collections paymentpending inpayment finalized"
        ),
        "open",
    ),
    **dict.fromkeys(_words("paid closed settled succeeded bezahlt payee refunded complete completed"), "paid"),
    **dict.fromkeys(_words("void voided cancelled canceled deleted storniert annulee reversed"), "void"),
    **dict.fromkeys(_words("draft entwurf brouillon awaitingapproval"), "draft"),
    **dict.fromkeys(_words("uncollectible writtenoff baddebt abgeschrieben"), "uncollectible"),
    **dict.fromkeys(_words("disputed strittig"), "disputed"),
}
TWO_MEANINGS: Final = {
    "pending": "open, or a draft",
    "refunded": "paid, or void",
    "reversed": "void, or a credit note",
    "complete": "paid, or only issued",
    "completed": "paid, or only issued",
}
"""Words that one system uses for this and another for that."""
KIND: Final[dict[str, str]] = {
    **dict.fromkeys(_words("invoice salesinvoice rechnung facture rv re rn outinvoice accrec"), "invoice"),
    **dict.fromkeys(
        _words("creditnote creditmemo salescreditnote gutschrift avoir dg rk refund paymententry dz outrefund"),
        "credit_note",
    ),
}
YES: Final = frozenset(_words("yes y true t 1 ja oui"))
NO: Final = frozenset(_words("no n false f 0 nein non"))


def folded(name: str) -> str:
    """A name in small letters, without accents and marks."""
    return _MARKS.sub("", name.casefold().translate(_FOLDED))
