"""REST v1: the frame that every route stands in (tokens, problems, strict input, one answer for one key), and the
routes by subject."""

from arrears.web.api import (
    acts,
    alerts,
    bank,
    bulk,
    cases,
    events,
    lists,
    money,
    people,
    profile,
    promises,
    reading,
    subscriptions,
    upserts,
)
from arrears.web.api.frame import api

api.add_router("", money.router)
api.add_router("", alerts.router)
api.add_router("", events.router)
api.add_router("", profile.router)
api.add_router("", people.router)
api.add_router("", reading.router)
api.add_router("", upserts.router)
api.add_router("", bulk.router)
api.add_router("", bank.router)
api.add_router("", acts.router)
api.add_router("", promises.router)
api.add_router("", subscriptions.router)
api.add_router("", lists.router)
api.add_router("", cases.router)

__all__ = ["api"]
