"""The one thing that differs from Django's own: which pool its connections come from."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from arrears.store.outages import LastingPool


class DatabaseWrapper(base.DatabaseWrapper):
    """See django.db.backends.postgresql."""

    @property
    def pool(self) -> LastingPool | None:
        """The pool of this process, closed until it is first used."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        django: Any = self  # its stubs leave out what is not for everybody
        pools = django._connection_pools
        if self.alias not in pools:
            # Django sets autocommit itself, later on.
            kwargs = {**self.get_connection_params(), "autocommit": True}
            pool = LastingPool(kwargs=kwargs, open=False, configure=django._configure_connection, **options)
            # Of two threads that come here together one is first.
            pools.setdefault(self.alias, pool)
        found: LastingPool = pools[self.alias]
        return found
