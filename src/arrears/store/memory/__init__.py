"""The store in memory, for simulation and replay: proved against PostgreSQL by the same contract tests."""
