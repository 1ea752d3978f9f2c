"""What billing systems call things: names of columns and words in their cells, in small letters without marks. English,
German, Dutch, French, Spanish, Italian, Portuguese and Polish."""

from __future__ import annotations

import re
import unicodedata
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Field -> names of columns, the surest first.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "ref": _words(
        """customerid customernumber customerno customercode customerexternalid accountexternalkey accountnumber
        accountcode accountref ac userid clientid clientcode kundennr kundennummer kdnr debitorennr debitorkonto
        konto debiteurnr debiteurnummer debiteurcode relatiecode relatienummer klantnummer klantnr klantcode
        klantid codeclient numeroclient clientnumber codigocliente codcliente idcliente numerocliente
        codicecliente kodklienta idklienta customer partnernumber debitor account party cust contactid client
        contactname customername clientname kunde nom invoicepartnerdisplayname partner company debiteur klant
        klantnaam relatie contact nabywca klient kontrahent odbiorca cliente nombrecliente nomedocliente
        ragionesociale denominazione razonsocial kundenname naam"""
    ),
    "name": _words(
        """customername companyname clientname accountname contactname partyname kunde kundenname firma nom
        raisonsociale klantnaam bedrijfsnaam debiteurnaam debiteur klant naam contact nabywca klient nazwa
        cliente ragionesociale denominazione razonsocial nombre nome name company"""
    ),
    "email": _words(
        "customeremail emailaddress primarycontactemailid billingemail email mail courriel correo mailadres"
    ),
    "country": _words("customercountry billingcountry country countrycode land pays pais paese kraj"),
    "number": _words(
        """invoicenumber invoiceno invoicenum invoice# number num factuurnummer factuurnr voucherno belegnr
        belegnummer rechnungsnr rechnungsnummer rechnung numerofacture numerodefacture nfacture facture
        numerofactura numerodefactura nfactura factura numerofattura nfattura fattura numerodafatura nfatura
        fatura numerfaktury nrfaktury numer numero factuur faktura documentnumber documentno boekstuknummer inv
        invoice invoiceid ref id"""
    ),
    "issued_on": _words(
        """invoicedate invoicebilldate dateissued issuedate issuingdate issueddate postingdate documentdate
        belegdatum rechnungsdatum factuurdatum boekdatum datefacture datedefacture datawystawienia fechafactura
        fechadefactura fechaemision fechadeemision datafattura dataemissione datadafatura dataemissao
        datadeemissao dateutc issued billedat datum fecha data date createdat"""
    ),
    "due_on": _words(
        """duedate paymentduedate netduedate datedue duedateutc dueon falligkeit fallig falligam falligkeitsdatum
        vervaldatum vervaldag uiterstebetaaldatum echeance dateecheance datedecheance terminplatnosci
        fechavencimiento fechadevencimiento vencimiento datascadenza datadiscadenza scadenza datavencimento
        datadevencimento due"""
    ),
    "amount": _words(
        """totalincurrencysigned total totalamount invoicetotal invoiceamount totalsigned totalamountcents
        totalcents detailstotalsgrandtotal grandtotal invoicedamount amountcharged requestedamount gross
        grossamount betrag bruttobetrag rechnungsbetrag sollbetrag totaalinclusiefbtw totaalinclbtw totaalincl
        factuurbedrag bedragincl bedraginclbtw bedrag totaal montantttc totalttc montant wartoscbrutto
        kwotabrutto brutto kwota importetotal totalfactura importe importototale totalefattura totaledocumento
        importo totale valortotal valor linetotal amountindoccurr amountinlocalcurrency detailstotalstotal
        amount"""
    ),
    "currency": _words(
        """currency currencycode doccurrency documentcurrency localcurrency wahrung devise valuta munt waluta
        moneda divisa moeda curr cur"""
    ),
    "open": _words(
        """amountremaining balance openbalance invoiceamountdue amountdue amountduesigned outstandingamount
        outstanding balancedue os detailstotalsbalance restbetrag offenerbetrag offen openstaand
        openstaandbedrag openstaandsaldo nogtebetalen saldo restedu resteapayer soldedu solde residual pozostalo
        pozostalodozaplaty pendiente importependiente saldopendiente residuo daincassare importoresiduo emaberto
        valoremaberto saldoemaberto"""
    ),
    "paid": _words(
        """amountpaid invoiceamountpaid paidamount amountpaidcents paidtodate totalpaid paid payments
        amountreceived bezahlt gezahlt bezahlterbetrag betaald betaaldbedrag reedsbetaald voldaan montantpaye
        montantregle paye pagado importepagado cobrado pagato importopagato incassato pago valorpago recebido
        kwotaoplacona oplacono zaplacono kwotazaplacona"""
    ),
    "paid_on": _words(
        """paidat paidatutc datepaid paiddate paymentdate settleddate lastpaymentdate zahldatum bezahltam regle
        regleele reglele datedepaiement betaaldop betaaldatum betaaldatumfactuur fechadepago fechapago
        datapagamento datadepagamento datazaplaty paidon"""
    ),
    "paid_amount": _words("paymentamount zahlbetrag"),
    "payment_ref": _words("paymentid paymentref paymentreference zahlungsnr transactionid pref"),
    "kind": _words("transactiontype vouchertype documenttype belegart soort rodzaj tipo type"),
    "disputed": _words("disputed disp"),
    "service": _words("service product plan produkt svc"),
}
STATUSES: Final = _words(
    """invoicestatus invoicestate status state etat statut statusfaktury stan estado stato situacao paymentstatus
    paymentstate betaalstatus statusplatnosci zahlstatus"""
)
"""Columns that say how an invoice stands; of two that say different things the earlier decides."""
OF_PAYMENT: Final = re.compile("pay|betaal|zahl|platnosc")
"""Such a column says how an invoice is paid, and never that it is void."""
FLAGS: Final[dict[str, tuple[str, ...]]] = {
    "void": _words(
        """void voided voidedat isvoid cancelled canceled iscancelled cancelledat canceledat deleted storniert
        storno geannuleerd annule annulee anulada annullata cancelada anulowana"""
    ),
    "draft": _words("draft isdraft entwurf concept brouillon borrador bozza rascunho szkic"),
    "uncollectible": _words("writtenoff uncollectible baddebt oninbaar ausgebucht incobrable"),
}
"""Columns that say yes, or a day, where an invoice stands so."""
HINTS: Final = re.compile(
    "credit|refund|writeoff|writtenoff|adjust|prepa|deposit|disput|void|cancel|paid|payment|pagad|pagat|bezahl|betaal"
    "|regle|oplac|zaplac|storn|annul|anul|draft"
)
"""Names of columns that may say that less is owed."""
NO_HINT: Final = re.compile("due|method|term|type|currency|url|mode|date|number|card|taxes|link|page|service|plan")

NAMES: Final = _words("name naam nom kunde party client customer klant debiteur relatie nabywca klient cliente contact")
"""Ends of the names of columns that hold the name of a customer."""
_MARKS: Final = re.compile(r"[^a-z0-9#]+")

STATUS: Final[dict[str, str]] = {
    **dict.fromkeys(
        _words(
            """open sent late overdue unpaid pending posted viewed awaitingpayment due paymentdue notpaid failed
            retry pastdue issued billed reminded requested overpaid finalized collections partial partiallypaid
            offen unbezahlt versendet gemahnt uberfallig teilbezahlt teilweisebezahlt openstaand telaat
            verzonden herinnerd verlopen onbetaald gedeeltelijkbetaald deelsbetaald impayee impaye envoyee emise
            enretard enattente partiellementpayee partiellementreglee pendiente enviada emitida vencida impagada
            parcial parcialmentepagada daincassare dapagare inviata emessa scaduta insoluta nonpagata
            parzialmentepagata pendente aberta porpagar naopaga parcialmentepaga wystawiona wyslana nieoplacona
            przeterminowana czesciowooplacona"""
        ),
        "open",
    ),
    **dict.fromkeys(
        _words(
            """paid closed settled succeeded refunded partiallyrefunded complete completed autopaid inpayment
            bezahlt betaald voldaan payee paye reglee regle pagada pagado cobrada pagata pagato incassata paga
            pago recebida oplacona zaplacona"""
        ),
        "paid",
    ),
    **dict.fromkeys(
        _words(
            """void voided cancelled canceled deleted reversed storniert geannuleerd vervallen annulee annule
            anulada annullata cancelada anulowana odrzucona"""
        ),
        "void",
    ),
    **dict.fromkeys(
        _words(
            """draft awaitingapproval unsent saved scheduled ready entwurf concept conceptfactuur brouillon
            borrador bozza rascunho szkic"""
        ),
        "draft",
    ),
    **dict.fromkeys(
        _words(
            """uncollectible writtenoff baddebt abgeschrieben ausgebucht uneinbringlich oninbaar irrecouvrable
            incobrable inesigibile incobravel"""
        ),
        "uncollectible",
    ),
    **dict.fromkeys(_words("disputed strittig betwist paymentpending pendingpayment processing inprocess"), "disputed"),
}
PARTIAL: Final = frozenset(
    _words(
        """partial partiallypaid teilbezahlt teilweisebezahlt gedeeltelijkbetaald deelsbetaald partiellementpayee
        partiellementreglee parcial parcialmentepagada parzialmentepagata parcialmentepaga czesciowooplacona"""
    )
)
"""Words for what is paid in part: how much says another column, or none."""
TWO_MEANINGS: Final = {
    "pending": "open, or a draft",
    "refunded": "paid, or void",
    "partiallyrefunded": "paid, or void",
    "reversed": "void, or a credit note",
    "complete": "paid, or only issued",
    "completed": "paid, or only issued",
    "failed": "open, or given up, or void",
    "closed": "paid, or given up",
    "inpayment": "paid, or open until the bank says so",
    "paymentpending": "held until the money is here, or open",
    "pendingpayment": "held until the money is here, or open",
    "processing": "held until the money is here, or open",
    "odrzucona": "void, or disputed",
    "vervallen": "void, or overdue",
    "ready": "a draft, or open",
}
"""Words that one system uses for this and another for that."""
KIND: Final[dict[str, str]] = {
    **dict.fromkeys(
        _words(
            """invoice salesinvoice customerinvoice charge rechnung factuur verkoopfactuur facture factura fattura
            fatura faktura fakturavat vat si rv re rn outinvoice accrec"""
        ),
        "invoice",
    ),
    **dict.fromkeys(
        _words(
            """creditnote creditmemo salescreditnote customercreditnote credit gutschrift creditnota creditfactuur
            avoir abono notadecredito facturarectificativa notadicredito fakturakorygujaca korekta sc sa dg rk
            refund paymententry dz outrefund"""
        ),
        "credit_note",
    ),
}
YES: Final = frozenset(_words("yes y true t 1 ja j oui o si s sim tak wahr waar vrai paid betaald bezahlt"))
NO: Final = frozenset(_words("no n false f 0 nein nee non nao nie falsch onwaar faux unpaid onbetaald unbezahlt"))
ROLES: Final = {
    "ref": "the customer",
    "number": "the invoice number",
    "issued_on": "the day on which the invoice was issued",
    "amount": "the total of the invoice",
}
"""What a book must say, in a person's words."""


def folded(name: str) -> str:
    """A name in small letters, without accents and marks."""
    bare = unicodedata.normalize("NFKD", name.casefold().replace("ł", "l").replace("ø", "o"))
    return _MARKS.sub("", "".join(c for c in bare if not unicodedata.combining(c)))
