"""What mail systems say, word for word, and whether it buries an address: only that it does not exist does."""

from __future__ import annotations

import pytest
from tests.adapters.test_bounces import report

from arrears.adapters.channels.reports import Verdict, read_report

DEAD = [
    ("5.1.1", "550 5.1.1 <jo@example.org>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("5.0.0", "550 unknown user"),
    ("5.0.0", "550 No such user here"),
    ("5.0.0", "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the"
              " recipient's email address for typos or unnecessary spaces. https://support.google.com/mail/?p=NoSuchUser"),
    ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jo@example.org not found by SMTP address lookup"),
    ("5.1.1", "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found"),
    ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [x.prod.protection.outlook.com]"),
    ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable or does not exist (S2017062302)"),
    ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account (jo@yahoo.com) [0]"),
    ("5.0.0", "554 30 Sorry, your message to jo@yahoo.com cannot be delivered. This mailbox is no longer valid"),
    ("5.0.0", "550 Requested action not taken: mailbox does not exist"),
    ("5.1.1", "550 5.1.1 sorry, no mailbox here by that name (#5.1.1)"),
    ("5.0.0", "550 Invalid recipient <jo@example.org> (#5.1.1)"),
    ("5.0.0", "550 5.1.0 Address rejected."),
    ("5.1.1", "550 5.1.1 jo@icloud.com: inactive email address"),
    ("5.1.6", "550 5.1.6 recipient no longer on server: jo@example.org"),
    ("5.0.0", "550 Account has been closed"),
    ("5.0.0", "550 The mailbox of jo@example.org has been deleted"),
    ("5.1.1", "User jo (jo@example.org) not listed in Domino Directory"),
    ("5.0.0", "550 User jo@example.org not listed in public Name & Address Book"),
    ("5.0.0", "The message could not be delivered because the recipient's mailbox is unknown: unknown local part jo"),
    ("5.1.2", "550 Host unknown"),
    ("5.4.4", "Host or domain name not found. Name service error for name=example.org type=A: Host not found"),
    ("5.1.2", "550 5.1.2 <jo@example.org>... Host unknown (Name server: example.org: host not found)"),
    ("5.1.10", "556 5.1.10 Recipient address has null MX"),
    ("4.0.0", "DNS Error: DNS type 'mx' lookup of example.org responded with code NOERROR. The domain example.org"
              " doesn't receive email according to the administrator: returned Null MX"),
    ("5.0.0", "Domain example.org does not accept mail (nullMX)"),
    ("5.0.0", "550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416"),
    ("5.0.0", "550 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416"),
    ("5.0.0", "550 Empfänger unbekannt"),
    ("5.0.0", "550 Die eingegebene E-Mail-Adresse konnte nicht gefunden werden."),
    ("5.0.0", "550 Benutzer existiert nicht"),
    ("5.0.0", "550 Onbekende gebruiker"),
    ("5.0.0", "550 Het e-mailadres dat u hebt ingevoerd, is niet gevonden."),
    ("5.0.0", "550 L'adresse de messagerie que vous avez entrée est introuvable."),
    ("5.0.0", "550 Utente sconosciuto"),
    ("5.0.0", "550 Impossibile trovare l'indirizzo di posta elettronica immesso."),
    ("5.0.0", "550 No existe el usuario"),
    ("5.0.0", "550 No se encontró la dirección de correo electrónico que especificó."),
    ("5.0.0", "550 Não foi possível encontrar o endereço de email que você digitou."),
    ("5.0.0", "550 Nie można odnaleźć wprowadzonego adresu e-mail."),
    ("5.0.0", "550 宛先が見つかりません"),
    ("5.0.0", "550 5.2.1 User unknown"),
    ("5.1.1", "550 5.1.1 Requested action not taken: mailbox unavailable"),
    ("5.0.0", "550 5.1.1 unknown or illegal alias: jo@example.org"),
    ("5.0.0", "550 5.1.1 RCP-P1 Recipient address does not exist"),
    ("5.0.0", "550 #5.1.0 Address rejected jo@example.org"),
    ("5.0.0", "554 5.7.1 jo@example.org: Recipient address rejected: user not found"),
    ("5.0.0", "550 5.7.1 No such user!"),
    ("5.0.0", "550 sorry, no mailbox here by that name. (#5.7.17)"),
    ("5.0.0", "550 5.1.1 is not a valid mailbox"),
    ("5.0.0", "554 Invalid recipient"),
    ("5.0.0", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550"),
    ("5.0.0", "550 5.0.0 <jo@example.org>... User unknown"),
    ("5.0.0", "551 not our customer"),
    ("5.0.0", "550 Unknown user jo@example.org"),
    ("5.0.0", "550 5.1.1 User Unknown: jo@example.org"),
    ("5.0.0", "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)"),
    ("5.0.0", "550 Recipient Rejected: No account by that name here"),
    ("5.0.0", "550 This user has been removed or does not exist"),
    ("5.0.0", "554 qq Sorry, no valid recipients (#5.1.3)"),
    ("5.0.0", "553 5.3.0 <jo@example.org>... Addressee unknown, relay=[192.0.2.1]"),
    ("5.0.0", "550 5.1.1 (unknown user)"),
    ("5.0.0", "550 Non existent user: jo"),
    ("5.0.0", "The following recipient could not be found: jo@example.org"),
    ("5.0.0", "553 sorry, badly formed MAIL FROM? no, recipient is not existing"),
    ("5.0.0", "550 MAILBOX NOT FOUND"),
    ("5.0.0", "550 no such mailbox"),
    ("5.0.0", "550 user doesn't exist"),
    ("5.0.0", "550 The recipient does not exist on our system"),
    ("5.0.0", "550 5.4.1 All recipient addresses rejected : Access denied [x.protection.outlook.com]"),
    ("5.0.0", "552 Account jo@example.org was expired or does not exist"),
    ("5.0.0", "550 Address unknown"),
    ("5.0.0", "550 5.1.1 No such person at this address"),
    ("5.0.0", "550 Domain does not exist"),
    ("5.0.0", "550 5.1.1 jo@example.org recipient is unknown"),
    ("5.0.0", "554 delivery error: dd Not a valid recipient - mta1061.mail"),
    ("5.0.0", "550 5.2.1 Mailbox no longer exists"),
    ("5.0.0", "550 mailbox for jo@example.org not found"),
    ("5.0.0", "550 jo@example.org: Recipient not in directory"),
    ("5.0.0", "550 no user by that name"),
    ("5.0.0", "550 Recipient Invalid"),
    ("5.0.0", "550 account not found"),
    ("5.0.0", "550 Requested action not taken: no such user here"),
    ("5.0.0", "550 5.1.2 Bad destination host 'DNS Hard Error looking up example.org (MX): NXDomain'"),
    ("5.0.0", "host not found"),
    ("5.0.0", "Host or domain name not found"),
    ("5.0.0", "550 This address no longer accepts mail."),
    ("5.0.0", "550 5.1.1 The account has moved"),
    ("5.0.0", "550 5.1.6 Recipient has moved"),
    ("5.0.0", "user is no longer on this system"),
    ("5.0.0", "unknown address"),
    ("5.1.1", "550 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: user not found"),
    ("5.4.310", "550 5.4.310 DNS domain gone.example does not exist [Message=InfoDomainNonexistent]"),
    ("5.0.0", "jo wasn't found at example.org."),
    ("5.1.1", ""),
]  # fmt: skip

ALIVE = [
    ("5.7.1", "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus", "blocked"),
    ("5.1.1", "550 5.1.1 blocked by spamhaus", "blocked"),
    ("5.1.3", "553 http://www.spamhaus.org/query/bl?ip=192.0.2.222", "blocked"),
    ("5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "blocked"),
    ("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated", "authentication"),
    ("5.7.25", "550-5.7.25 The IP address sending this message does not have a PTR record", "reverse_dns"),
    ("5.7.509", "550 5.7.509 Access denied, sending domain does not pass DMARC verification", "authentication"),
    ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", "too_big"),
    ("5.2.3", "552 5.2.3 message length exceeds administrative limit", "too_big"),
    ("5.4.6", "554 5.4.6 Too many hops", "loop"),
    ("5.4.4", "Host or domain name not found. Name service error for name=example.org type=MX: Host not found,"
              " try again", "network"),
    ("5.4.312", "550 5.4.312 Message expired, DNS query failed", "expired"),
    ("5.4.316", "550 5.4.316 Message expired, connection refused", "expired"),
    ("5.0.0", "550 Mailbox full", "full"),
    ("5.0.0", "552 Quota exceeded", "full"),
    ("5.1.1", "552 5.2.2 Over quota", "full"),
    ("5.1.1", "552 sorry, mailbox jo@example.org is over quota temporarily (#5.1.1)", "full"),
    ("5.2.2", "552-5.2.2 The recipient's inbox is out of storage space and inactive.", "full"),
    ("5.6.0", "554 5.6.0 Message contains invalid header", "content"),
    ("5.5.2", "500 5.5.2 unrecognized command", "content"),
    ("5.3.0", "554 5.3.0 Other mail system problem", "system"),
    ("5.0.0", "421 4.4.2 Connection timed out", "expired"),
    ("5.1.8", "501 5.1.8 Sender address rejected: Domain not found", "sender"),
    ("5.0.0", "550 Verification failed for <billing@arrears.example>: no such address", "sender"),
    ("5.0.0", "550 5.1.7 <billing@arrears.example>: invalid sender address: user unknown", "sender"),
    ("", "450 4.2.0 greylisted", "deferred"),
    ("5.7.1", "550 5.7.1 Unable to relay", "relaying"),
    ("5.7.1", "554 5.7.1 <jo@example.org>: Relay access denied", "relaying"),
    ("5.7.1", "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "authentication"),
    ("5.7.133", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", "authentication"),
    ("5.0.0", "554 5.7.0 Reject, id=1 - SPAM", "spam"),
    ("5.0.0", "550 Virus Detected; Content Rejected", "virus"),
    ("5.7.0", "550 5.7.0 Local Policy Violation", "policy"),
    ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", "disabled"),
    ("4.4.1", "connect to example.org[192.0.2.1]:25: Connection timed out", "expired"),
    ("4.4.2", "lost connection with mx.example.org while performing the HELO handshake", "network"),
    ("5.0.0", "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]", "spam"),
    ("5.0.0", "550 Requested action not taken: mailbox unavailable", "refused"),
    ("5.0.0", "550 Rejected", "refused"),
    ("5.0.0", "550 Postfach ist voll", "full"),
    ("5.0.0", "552 Boîte aux lettres du destinataire pleine", "full"),
    ("5.0.0", "552 El buzón está lleno", "full"),
    ("5.0.0", "552 Skrzynka odbiorcy jest przepełniona", "full"),
    ("5.1.0", "5.1.0 - Unknown address error 550-'5.7.1 <x@example.org>... Access denied'", "policy"),
    ("5.2.1", "550 5.2.1 Mailbox inactive", "disabled"),
    ("", "", "refused"),
]  # fmt: skip


OTHERS_UNKNOWN = [
    "550 5.7.1 Message rejected due to content restrictions",
    "421 4.7.0 Temporary System Problem. Try again later",
    "554 IMTA: message refused because of recipients limit",
    "550 5.7.1 Email cannot be delivered. Reason: Email detected as Spam by spam filters.",
    "553 5.1.8 Domain of sender address does not exist",
    "550 Sender verify failed",
    "550 5.1.0 sender rejected",
    "550 5.7.1 Command rejected",
    "554 Denied (Mode: normal)",
    "550 Blocked: sender address does not exist",
    "451 4.7.1 Greylisting in action, please come back later",
    "550 5.7.23 The message was rejected because of Sender Policy Framework violation",
    "550 rejected because 192.0.2.1 is in a black list at b.barracudacentral.org",
    "550 5.7.1 Access denied",
    "550 5.1.1 <jo@example.org>: mailbox temporarily over quota",
    "552 5.3.4 message too big for system",
    "550 Administrative prohibition",
    "550 authentication required: user unknown",
    "550 no valid rDNS; unknown client host",
    "550 HELO host not found",
    "550 unknown reverse host",
    "550 Your domain does not exist",
    "553 Domain name of sender required; host not found",
    "450 4.1.2 <jo@example.org>: Recipient address rejected: Domain not found",
    "554 5.4.4 [internal] no MX or A for domain; temporary",
    "550 5.7.1 Recipient not authorized, your IP has been found on a block list",
    "550 Message contains invalid recipient header",
    "550 relay not permitted; unknown user would be rejected",
    "550 account temporarily suspended",
    "550 user over quota",
    "The user's mailbox has exceeded its limit and cannot be found",
    "554 rejected - no such file or directory",
    "550 5.3.2 system not accepting network messages",
    "Delivery time expired; host not found",
    "550 your mail server's hostname does not exist in DNS",
    "550 our sender arrears.example does not exist",
    "550 invalid address in From header",
    "554 5.7.1 <jo@example.org>: Recipient address rejected: Access denied",
]


@pytest.mark.parametrize("said", OTHERS_UNKNOWN)
def test_that_something_else_is_unknown_or_invalid_buries_nobody(said: str) -> None:
    found, _ = read_report(report(status="5.0.0", said=f"smtp; {said}"))
    assert found.verdict is Verdict.NOT_THE_ADDRESS, found


@pytest.mark.parametrize(("status", "said"), DEAD)
def test_an_address_is_dead_when_the_report_says_that_it_does_not_exist(status: str, said: str) -> None:
    found, _ = read_report(report(status=status, said=f"smtp; {said}"))
    assert (found.verdict, found.address) == (Verdict.DEAD, "jo@example.org"), found


@pytest.mark.parametrize(("status", "said", "reason"), ALIVE)
def test_whatever_else_keeps_a_message_away_says_nothing_about_the_address(status: str, said: str, reason: str) -> None:
    found, _ = read_report(report(status=status, said=f"smtp; {said}"))
    assert (found.verdict, found.reason) == (Verdict.NOT_THE_ADDRESS, reason), found


@pytest.mark.parametrize(("status", "said"), DEAD)
def test_what_is_tried_again_buries_nobody(status: str, said: str) -> None:
    found, _ = read_report(report(action="delayed", status=status, said=f"smtp; {said}"))
    assert (found.verdict, found.final) == (Verdict.NOT_THE_ADDRESS, False)
