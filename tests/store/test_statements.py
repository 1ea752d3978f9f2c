"""The number of statements of a batch does not depend on its size, and the two that matter most use their indexes.

Counted on the server itself: `auto_explain` and the like need rights that a test has not, so each command that the
client sends over the wire is counted where it leaves (libpq's own trace would show the same).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.engine import commands
from arrears.engine.perform import perform
from arrears.engine.run import Limits, run_batch
from arrears.store import schema
from arrears.store.postgres import CLAIM_DUE, LOCK, PostgresStore
from arrears.store.write import UPDATE_STATE
from tests.store.contract import API, at, invoice, open_book, payment
