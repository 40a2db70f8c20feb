"""How the shipped embedding is made; run by hand, in an environment of its own."""
