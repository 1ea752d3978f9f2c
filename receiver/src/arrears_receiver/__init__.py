"""What a service puts in front of itself to obey the orders of arrears: verify, drop what it has seen, keep the order
of orders, acknowledge, and know the last standing when arrears is away. It imports nothing of arrears.

The contract is `docs/services.md`; `arrears_receiver.kit` is how the author of a service proves theirs.
"""

from arrears_receiver.adapters import asgi, django_view, wsgi
from arrears_receiver.book import Book, MemoryBook, Record, SqliteBook
from arrears_receiver.orders import Done, Order
from arrears_receiver.receiver import Receiver, Reply
from arrears_receiver.standing import Standing, standing_of
from arrears_receiver.telling import Teller

__all__ = [
    "Book",
    "Done",
    "MemoryBook",
    "Order",
    "Receiver",
    "Record",
    "Reply",
    "SqliteBook",
    "Standing",
    "Teller",
    "asgi",
    "django_view",
    "standing_of",
    "wsgi",
]
