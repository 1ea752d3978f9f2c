"""What our messages say: every kind in every language, filled with an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.messages.kinds import MessageKind
from arrears.notices.samples import for_reader, sample
from arrears.web.console.frame import ConsoleRequest, console_page
from arrears.web.languages import language_now
from arrears.wiring import settings, texts

if TYPE_CHECKING:
    from arrears.notices.render import Texts


@console_page()
def page(console: ConsoleRequest) -> HttpResponse:
    """The kinds of messages, by the subject of an example in the language of the page."""
    known = _texts()
    listed = [(kind.value, known.render(sample(kind, language_now())).subject) for kind in MessageKind]
    return console.page("messages", _("What our messages say"), listed=listed)


@console_page()
def one(console: ConsoleRequest, kind: str) -> HttpResponse:
    """One kind in each language, to who administers the account and to a reader; Http404 for one that there is not."""
    try:
        wanted = MessageKind(kind)
    except ValueError:
        raise Http404 from None
    known = _texts()
    shown = []
    for code in sorted(known.languages):
        example = sample(wanted, code)
        for role, content in ((_("the administrator"), example), (_("a reader"), for_reader(example))):
            done = known.render(content)
            more = {"subject": done.subject, "text": done.text}
            shown.append({"language": code, "name": known.languages[code].name, "to": role, **more})
    return console.page("message", known.render(sample(wanted, language_now())).subject, shown=shown)


def _texts() -> Texts:
    """The words that leave, as they were read when this process began."""
    folder = settings().texts
    return texts(folder) if folder else texts()  # for a cache, None and nothing are two
