"""What our messages say: content decided by others, in the words and formats of the reader. Pure."""
