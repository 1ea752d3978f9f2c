"""What the engine needs from the world, as protocols. Adapters and stores implement them; the engine knows no more."""

from arrears.ports.book import NewAccount, Place, Receivables, Sums
from arrears.ports.clock import Clock
from arrears.ports.messages import (
    TAKEN,
    Channel,
    Delivery,
    Fate,
    Mail,
    MailBook,
    MailCounts,
    MailMove,
    MailState,
    Message,
    MessageText,
    PayLink,
    Writer,
)
from arrears.ports.payments import AttemptRecord, MethodRecord, MoneyBook, PaymentRecord, Processor
from arrears.ports.services import Order, Services
from arrears.ports.setups import SetupPage, Setups
from arrears.ports.store import Batch, Claim, Poisoned, SelfChecking, Store
from arrears.ports.support import Support

__all__ = [
    "TAKEN",
    "AttemptRecord",
    "Batch",
    "Channel",
    "Claim",
    "Clock",
    "Delivery",
    "Fate",
    "Mail",
    "MailBook",
    "MailCounts",
    "MailMove",
    "MailState",
    "Message",
    "MessageText",
    "MethodRecord",
    "MoneyBook",
    "NewAccount",
    "Order",
    "PayLink",
    "PaymentRecord",
    "Place",
    "Poisoned",
    "Processor",
    "Receivables",
    "SelfChecking",
    "Services",
    "SetupPage",
    "Setups",
    "Store",
    "Sums",
    "Support",
    "Writer",
]
