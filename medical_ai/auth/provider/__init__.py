"""The identity provider: where it answers, what its tokens say, and whether to believe them."""
