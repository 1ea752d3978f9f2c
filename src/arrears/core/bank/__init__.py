"""Money that comes by bank: what an invoice asks to be named, and where it is sent."""
