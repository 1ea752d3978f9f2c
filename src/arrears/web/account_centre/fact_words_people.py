"""What happened around an account's people, in a customer's words: who may see it, how they come in, and the help they
asked for."""

from __future__ import annotations

from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.web.account_centre.frame import Visit

AccessFact = f.Invited | f.InvitationWithdrawn | f.InvitationAccepted | f.AccessEnded | f.PersonErased
SignInFact = f.ResetAsked | f.SignInChanged
HelpFact = f.SupportOpened | f.SupportSaid | f.SupportAnswered | f.SupportClosed | f.ResumeLate
AccountFact = f.AccountOpened | f.TermsChanged | f.TestAsked | f.RecipientsChanged


def tell_of_account(visit: Visit, fact: AccountFact | AccessFact | SignInFact | HelpFact) -> str:
    """The sentence for one fact; empty where this reader is told nothing."""
    if isinstance(fact, SignInFact):
        return _sign_in(visit, fact)
    if isinstance(fact, HelpFact):
        return _help(fact)
    match fact:
        case f.AccountOpened():
            return _("The account was opened.")
        case f.TermsChanged():
            return _("The terms of the account were changed. What was under way keeps its own.")
        case f.TestAsked():
            return _("A test message was asked for.")
        case f.RecipientsChanged(lost=lost):
            again = _("Messages go to somebody else or another address now, so what was announced is announced again.")
            return again if lost else ""
        case f.Invited(role=role):
            if role == "administrator":
                return _("An invitation to become the administrator was sent.")
            return _("An invitation to see the bills was sent.")
        case f.InvitationWithdrawn():
            return _("An invitation was withdrawn.")
        case f.InvitationAccepted(person=person, role=role):
            name = _name(visit, person)
            if role == "administrator":
                return _("%(name)s is the administrator from now on.") % {"name": name}
            return _("%(name)s can see the bills from now on.") % {"name": name}
        case f.AccessEnded(person=person):
            return _("%(name)s cannot see this account any more.") % {"name": _name(visit, person)}
        case f.PersonErased():
            return _("Somebody's data was erased. They see this account no longer, and no message goes to them.")


def _sign_in(visit: Visit, fact: SignInFact) -> str:
    """How somebody signs in is told to nobody but them."""
    if visit.somebody is None or visit.somebody.number != fact.person:
        return ""
    if isinstance(fact, f.ResetAsked):
        return _("A link for a new password was sent to you.")
    return _("The way you sign in was changed.")


def _help(fact: HelpFact) -> str:
    """That somebody asked for help is no secret; what was written is read in the conversation alone."""
    match fact:
        case f.SupportOpened(request=number):
            text = _("Help was asked for: request %(number)s.")
        case f.SupportSaid(request=number):
            text = _("More was written about request %(number)s.")
        case f.SupportAnswered(request=number):
            text = _("We answered request %(number)s.")
        case f.SupportClosed(request=number):
            text = _("Request %(number)s was closed.")
        case f.ResumeLate():
            return _("What should run again does not after 24 hours. We are looking into it by ourselves.")
    return text % {"number": number}


def _name(visit: Visit, person: int) -> str:
    found = next((one.name for one in visit.contacts.people if one.no == person), "")
    return visit.name(found) or _("Somebody who is not here any more")
