"""Delivering: what was put is carried to its endpoint until that has taken it, whatever it says."""

from arrears.engine.delivery.courier import NOBODY_HEARS, POLL_SECONDS, Courier, CourierWatcher, Heard, put_what_is_new

__all__ = ["NOBODY_HEARS", "POLL_SECONDS", "Courier", "CourierWatcher", "Heard", "put_what_is_new"]
