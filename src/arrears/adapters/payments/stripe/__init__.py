"""Stripe: its client (`client`), its codes in our words (`codes`), and reading what it has (`events`)."""

from arrears.adapters.payments.stripe.client import Stripe

__all__ = ["Stripe"]
