"""Services that obey, one file for each way to reach them."""
