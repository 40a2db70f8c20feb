"""The wordings nearest to a text, asked of the database."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection, transaction
from pgvector import HalfVector

from catalog.embedding.embedders import Embedder
from catalog.models import VectorSet

# How many the index looks at; docs/adr/0009 has what more or fewer find.
_LOOKED_AT = 100


class Near(NamedTuple):
    """`likeness` is the cosine of the angle between the two vectors; of a node with several wordings, the best."""

    node_id: int
    likeness: float


class Nearest:
    """Answers for one release by one embedding, as soon as its vectors are complete; until then with nothing."""

    def __init__(self, release_id: int, embedder: Embedder) -> None:
        self._release_id = release_id
        self._embedder = embedder

    def __call__(self, text: str, most: int = 60) -> list[Near]:
        """The nodes of the `most` nearest wordings, the nearest first."""
        found = VectorSet.objects.filter(
            release_id=self._release_id, model=self._embedder.name, finished_at__isnull=False
        ).first()
        if found is None:
            return []
        vector = self._embedder.encode([text])[0]
        if not vector.any():
            return []
        asked = HalfVector(vector).to_text()
        dimensions = self._embedder.dimensions
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(max(most, _LOOKED_AT))])
            cursor.execute(
                f"SELECT node_id, -((vector::halfvec({dimensions:d})) <#> %s::halfvec({dimensions:d})) "  # noqa: S608
                f"FROM catalog_termvector WHERE set_id = {found.pk:d} "
                f"ORDER BY (vector::halfvec({dimensions:d})) <#> %s::halfvec({dimensions:d}) LIMIT %s",
                [asked, asked, most],
            )
            best: dict[int, float] = {}
            for node_id, likeness in cursor.fetchall():
                best.setdefault(node_id, float(likeness))
        return [Near(node_id, likeness) for node_id, likeness in best.items()]
