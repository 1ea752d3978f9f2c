"""In which language a page speaks: the one that was chosen on a page, else the reader's own."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from arrears.notices.languages import DEFAULT_LANGUAGE


def speak_to(request: HttpRequest, *locales: str) -> None:
    """Speak the language of the first of these locales that we have, unless the reader has chosen one."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return
    known = dict(settings.LANGUAGES)
    for wanted in locales:
        language = wanted.replace("_", "-").partition("-")[0]
        if language in known:
            translation.activate(language)
            request.LANGUAGE_CODE = language
            return


def language_now() -> str:
    """The code of the language that the page speaks now."""
    return translation.get_language() or DEFAULT_LANGUAGE
