"""What comes by bank: files taken once, credits booked or queued, and what people decide."""
