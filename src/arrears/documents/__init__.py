"""Documents for bookkeepers: the invoice, the credit note, the payment slip."""
