"""Windows for Django onto tables that the numbered SQL files make: nothing here is managed by it."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac


class PersonQueries(BaseUserManager["Person"]):
    """Finds people by the address that they sign in with, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> Person:
        """The person of this sign-in address."""
        return self.get(sign_in_email=(username or "").lower())


class Person(AbstractBaseUser):
    """A customer's person, as Django's sign-in knows it. Staff are no such thing, and never become one."""

    person_id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    sign_in_email: models.TextField[str, str] = models.TextField(unique=True)
    display_name: models.TextField[str, str] = models.TextField()
    locale: models.TextField[str, str] = models.TextField()
    password: models.TextField[str, str] = models.TextField()
    session_epoch: models.IntegerField[int, int] = models.IntegerField(default=0)
    last_login = None  # when somebody came in is told by their sessions

    USERNAME_FIELD = "sign_in_email"
    EMAIL_FIELD = "sign_in_email"
    objects = PersonQueries()

    class Meta:
        managed = False
        db_table = "person"

    def get_session_auth_hash(self) -> str:
        """What a session must carry to be good: another password or another epoch ends it."""
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> list[str]:
        """The same with the keys that signed before."""
        from django.conf import settings

        return [self._session_hash(secret) for secret in settings.SECRET_KEY_FALLBACKS]

    def _session_hash(self, secret: str | None) -> str:
        value = f"{self.password}:{self.session_epoch}"
        return str(salted_hmac("arrears.session", value, secret=secret, algorithm="sha256").hexdigest())

    def __str__(self) -> str:
        return self.display_name
