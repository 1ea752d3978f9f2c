"""The store on PostgreSQL: the only code that knows tables."""
