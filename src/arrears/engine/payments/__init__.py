"""Money: settling everything owed, attempts and their outcomes, methods, refunds, what providers report."""
