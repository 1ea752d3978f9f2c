"""Django's PostgreSQL with a pool that outlives restarts of the database: `ENGINE` names this folder."""
