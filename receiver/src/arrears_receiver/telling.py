"""What a service tells arrears without being asked: that an order is carried out by now, or what it is in."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from arrears_receiver.book import Record
from arrears_receiver.receiver import Reply, as_state

SECONDS_MAX: Final = 15.0


class Teller:
    """Speaks to arrears for one service. `url` is `https://ARREARS/webhooks/services/NAME`, `secret` the newest of the
    secrets that sign its orders. Each call answers with a status: 200 is recorded, 409 is not so any more;
    whatever else, also an OSError where arrears is away, may be said again later."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._webhook = url, Webhook(secret)

    def answered(self, reply: Reply) -> int:
        """What became of an order that was only accepted: what `Receiver.done` returned."""
        return self._tell("order.answered", reply.body)

    def states(self, records: Iterable[Record]) -> int:
        """What these subscriptions are in; arrears compares it with what it wants, and asks for more by itself."""
        return self._tell("states.reported", {"states": [as_state(record) for record in records]})

    def _tell(self, kind: str, data: Mapping[str, Any]) -> int:
        now, name = datetime.now(UTC), f"msg_{secrets.token_hex(8)}"
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
        head = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(name, now, body),
        }
        request = urllib.request.Request(self._url, body.encode(), head)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code
