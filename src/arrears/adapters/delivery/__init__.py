"""How deliveries leave, one file for each way."""
