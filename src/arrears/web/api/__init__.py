"""REST v1: the frame that every route stands in. Tokens, problems, strict input, one answer for one key."""
