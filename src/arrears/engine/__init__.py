"""Thin: loads, asks the core, records, performs. It talks to ports only and runs unchanged in the simulator."""
