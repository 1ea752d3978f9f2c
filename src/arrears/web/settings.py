"""Django's settings, from the installation's own. Only `wiring` loads them, and Django's own commands."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from arrears.core.people.links import LASTS, Capability
from arrears.notices import languages
from arrears.store.schema import django_database
from arrears.store.server import make_home
from arrears.wiring import SERVING_CONNECTIONS_MAX, django_url, settings

OURS = settings()


def _secret_key() -> str:
    """The key that is set, else one of this machine's own, made once and readable by its owner alone."""
    if OURS.secret_key:
        return OURS.secret_key
    path = OURS.home / "secret_key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        make_home(path.parent)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key := secrets.token_urlsafe(50))
    return key


HERE = Path(__file__).parent
DEBUG = False
# What is logged, and how, is `web/logs.py`'s to say; Django would set its own loggers anew whenever it is set up.
LOGGING_CONFIG = None
SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = [str(key) for key in OURS.secret_key_fallbacks]
ALLOWED_HOSTS = list(OURS.hosts)
HTTPS = OURS.https
DATABASES = {
    "default": {
        **django_database(django_url(), SERVING_CONNECTIONS_MAX),
        "ATOMIC_REQUESTS": False,
    }
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "arrears.store.apps.StoreConfig",
    # For signing in alone; groups and permissions stay empty.
    "django.contrib.auth",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "arrears.web.middleware.in_the_log",
    "arrears.web.middleware.security_headers",
    "arrears.web.api.strict.plain_address",
    "arrears.web.middleware.pages_at_a_name",
    "django.middleware.security.SecurityMiddleware",
    "arrears.web.api.alerts.portal_access",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "arrears.web.api.strict.strict_body",
    "arrears.web.api.limits.limits_said",
]
ROOT_URLCONF = "arrears.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "arrears.web.middleware.page_parts",
            ],
            "string_if_invalid": "",
        },
    }
]
CSRF_FAILURE_VIEW = "arrears.web.errors.csrf"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = int(LASTS[Capability.SESSION].total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
# Behind HTTPS: the proxy in front says with this header how a request came to it, and sets it whatever the request
# said. What came without HTTPS is sent to it, and forms are compared with the https:// origin that browsers send.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    # Our own middleware sets X-Frame-Options, also where a request is refused before any other has seen it.
    "security.W002",
    # HSTS preload binds the operator's whole domain, for years, in every browser: that is theirs to ask for.
    "security.W021",
]
LANGUAGE_CODE = languages.DEFAULT_LANGUAGE
LANGUAGES = list(languages.LANGUAGES.items())
LOCALE_PATHS = [HERE.parent / "locale"]
LANGUAGE_COOKIE_NAME = "__Host-language" if HTTPS else "language"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# No page takes a file: one that is sent all the same is read past, and laid nowhere.
FILE_UPLOAD_HANDLERS: list[str] = []
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
# Signing in: docs/decisions/0014. Tries are counted by `web/throttle.py`, not by allauth.
AUTH_USER_MODEL = "store.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
KNOWN_COOKIE_NAME = "__Host-known" if HTTPS else "known"
ACCOUNT_ADAPTER = "arrears.web.sign_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "sign_in_email"
ACCOUNT_USER_DISPLAY = "arrears.web.sign_in.adapters.display"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_METHODS = {"password", "mfa"}
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(LASTS[Capability.PROOF].total_seconds())
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "arrears.web.sign_in.adapters.SecondFactors"
MFA_FORMS = {
    "authenticate": "arrears.web.sign_in.forms.SecondStep",
    "reauthenticate": "arrears.web.sign_in.forms.ReauthenticationCode",
    "add_webauthn": "arrears.web.sign_in.forms.NewPasskey",
    "authenticate_webauthn": "arrears.web.sign_in.forms.PasskeyStep",
    "login_webauthn": "arrears.web.sign_in.forms.PasskeyAlone",
    "reauthenticate_webauthn": "arrears.web.sign_in.forms.PasskeyAgain",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = False
# How many servers of one's own stand in front, each adding to X-Forwarded-For. This one speaks no HTTPS: where that
# is spoken, there is one at least. `web/client_address.py` alone reads it.
PROXIES = max(OURS.proxies, int(HTTPS))
CACHES = {
    "default": {
        "BACKEND": "arrears.web.json_cache.JsonCache",
    }
}
# A mail provider's own settings, as anymail names them: ANYMAIL_MAILGUN_API_KEY, ...
ANYMAIL = dict(OURS.anymail)
NINJA_PAGINATION_MAX_LIMIT = 1000
