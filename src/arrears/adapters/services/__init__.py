"""Services that obey, and other systems that hear what happens: one file for each way to reach them."""
