"""Money that comes by bank: what an invoice asks to be named, where it is sent, what a bank's statement says of it, and
whose it is."""
