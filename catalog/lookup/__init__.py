"""From a description to its code: an index of one release in memory, and what reads a coder's words.

The index and everything that ranks is pure (no database, no Django); `service` reads a release and keeps its
index for the process.
"""
