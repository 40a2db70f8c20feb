"""Wordings as vectors: the embedding, the vectors of a release in the database, and what is nearest to a text.

Vectors help where words do not; nothing else in the catalog needs them.
"""
