"""What a list of found codes shows beside each: where it stands, its line of the index, what is still open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.choices import GROUP_KINDS, NodeKind
from catalog.completing import SeventhOption, Sided, narrowed, says_side, side_of, sides_beside
from catalog.index_editions import best_lines, editions_for, other_year
from catalog.keys import code_key
from catalog.models import Code, Release, SeventhCharacter
from catalog.search import SearchHit
from catalog.words import words

# The search's own short words, as people read them.
_REASONS = {
    "title": "matches the title",
    "title, word for word": "the title word for word",
    "code": "the code itself",
}


@dataclass(frozen=True, slots=True)
class IndexHint:
    """The line of the index that leads to the code; `other_year` is its edition where that was not in force when
    the release began, else empty."""

    entry_id: int
    kind: str
    term: str
    printed: str
    other_year: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A code that says what the words left open: the `label` (7th character or side) with its meaning. Where it is
    not billable itself, something else is open too."""

    label: str
    meaning: str
    code: str
    billable: bool


@dataclass(frozen=True, slots=True)
class HitFacts:
    """`path` from the chapter down, in words, without the code itself. `needs`: why a header cannot be billed."""

    path: tuple[str, ...] = ()
    needs: str = ""
    index: IndexHint | None = None
    seventh: tuple[Completion, ...] = ()
    sides: tuple[Completion, ...] = ()

    def why(self, hit: SearchHit) -> str:
        """The hit's reason in words, without the index line, which stands beside it."""
        also = f"also called {self.index.term}" if self.index is not None else ""
        return "; ".join(_REASONS.get(part, part) for part in hit.why.split("; ") if part != also)


def facts_of(release: Release, hits: Sequence[SearchHit], query: str) -> dict[str, HitFacts]:
    """By code; in a handful of queries however many the hits. What the words of the query say is not offered, and
    of several hits that differ by their 7th character only the first offers it."""
    codes = [hit.code for hit in hits]
    if not codes:
        return {}
    around = _Around.read(release, codes)
    typed = words(query)
    index = _index_hints(release, around, typed)
    found: dict[str, HitFacts] = {}
    offered: set[int] = set()
    for code in codes:
        node = around.nodes.get(code_key(code))
        if node is None:
            continue
        stem = around.stem_of(node)
        seventh: tuple[Completion, ...] = ()
        sides: tuple[Completion, ...] = ()
        if stem.pk not in offered:
            offered.add(stem.pk)
            seventh = _seventh(around, node, stem, typed, query)
            sides = _sides(around, node, stem, typed, bool(seventh))
        found[code] = HitFacts(
            path=around.path_of(node),
            needs=_needs(around, node),
            index=index.get(node.pk),
            seventh=seventh,
            sides=sides,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Around:
    """The hits' nodes by key, the nodes above by id, and what completes them."""

    nodes: dict[str, Code]
    above: dict[int, Code]
    extended: dict[int, list[Code]]
    options: dict[int, tuple[SeventhOption, ...]]
    beside: dict[int, list[Code]]

    @classmethod
    def read(cls, release: Release, codes: Iterable[str]) -> _Around:
        fields = ("code", "key", "title", "kind", "billable", "parent_id", "path", "position")
        nodes: dict[str, Code] = {}
        for node in Code.objects.of(release).named(*codes).only(*fields):
            nodes.setdefault(node.key, node)
        ids = {pk for node in nodes.values() for pk in node.path}
        above = {node.pk: node for node in Code.objects.filter(pk__in=ids).only(*fields)}
        known = {**above, **{node.pk: node for node in nodes.values()}}
        stems = {
            known[node.parent_id].pk if node.kind == NodeKind.EXTENDED and node.parent_id else node.pk
            for node in nodes.values()
        }
        extended: dict[int, list[Code]] = {}
        rows = Code.objects.filter(parent_id__in=stems, kind=NodeKind.EXTENDED).only(*fields)
        for row in rows.order_by("position"):
            extended.setdefault(row.parent_id or 0, []).append(row)
        parents = {known[pk].parent_id for pk in stems if _may_be_sided(known[pk])}
        parents |= {known[pk].parent_id for pk in parents if pk is not None and pk in known}
        beside: dict[int, list[Code]] = {}
        wanted = Code.objects.filter(parent_id__in=[pk for pk in parents if pk is not None])
        for row in wanted.exclude(kind__in=(*GROUP_KINDS, NodeKind.EXTENDED)).only(*fields):
            beside.setdefault(row.parent_id or 0, []).append(row)
        return cls(nodes, above, extended, _options(known, extended), beside)

    def stem_of(self, node: Code) -> Code:
        """The code that a 7th character completes, or the node itself."""
        if node.kind == NodeKind.EXTENDED and node.parent_id in self.above:
            return self.above[node.parent_id]
        return node

    def path_of(self, node: Code) -> tuple[str, ...]:
        """The chapter in words, then the codes above; blocks are left out for room."""
        above = [self.above[pk] for pk in node.path if pk in self.above]
        return tuple(
            one.title.rpartition(" (")[0] or one.title if one.kind == NodeKind.CHAPTER else one.code
            for one in above
            if one.kind != NodeKind.BLOCK
        )


def _may_be_sided(stem: Code) -> bool:
    return stem.kind not in GROUP_KINDS and bool(side_of(stem.title))


def _options(known: dict[int, Code], extended: dict[int, list[Code]]) -> dict[int, tuple[SeventhOption, ...]]:
    """For each stem its 7th characters as the nearest definition above words them, those that exist."""
    if not extended:
        return {}
    lineages = {pk: [*known[pk].path, pk] for pk in extended}
    ids = {each for lineage in lineages.values() for each in lineage}
    defined: dict[int, dict[str, str]] = {}
    rows = SeventhCharacter.objects.filter(node_id__in=ids).order_by("position")
    for node_id, character, meaning in rows.values_list("node_id", "character", "meaning"):
        defined.setdefault(node_id, {})[character] = meaning
    found: dict[int, tuple[SeventhOption, ...]] = {}
    for pk, lineage in lineages.items():
        nearest = next((defined[each] for each in reversed(lineage) if each in defined), {})
        found[pk] = tuple(
            SeventhOption(node.code[-1], nearest.get(node.code[-1], node.title), node.code)
            for node in extended[pk]
        )
    return found


def _needs(around: _Around, node: Code) -> str:
    if node.billable:
        return ""
    return "needs a 7th character" if node.pk in around.extended else "needs a more specific code"


def _seventh(
    around: _Around, node: Code, stem: Code, typed: Sequence[str], query: str
) -> tuple[Completion, ...]:
    options = around.options.get(stem.pk, ())
    if not options or (node.billable and code_key(query) == node.key):
        return ()
    mine = node.code[-1] if node.kind == NodeKind.EXTENDED else ""
    # Words of the condition itself say nothing of the encounter.
    condition = set(words(stem.title))
    left = narrowed(options, [word for word in typed if word not in condition], mine)
    if mine and len(left) == 1:
        return ()
    return tuple(Completion(one.character, one.meaning, one.code, True) for one in left)


def _sides(
    around: _Around, node: Code, stem: Code, typed: Sequence[str], seventh_open: bool
) -> tuple[Completion, ...]:
    side = side_of(stem.title)
    if not side or (side != "unspecified" and says_side(typed)):
        return ()
    parent = around.above.get(stem.parent_id or 0)
    siblings = around.beside.get(stem.parent_id or 0, [])
    higher = around.beside.get(parent.parent_id or 0, []) if parent is not None else []
    sided = sides_beside(stem, siblings, higher)
    if node.kind != NodeKind.EXTENDED or seventh_open:
        return tuple(Completion(one.side, "", one.node.code, one.node.billable) for one in sided)
    # The 7th character is settled: the same one on each side.
    return tuple(
        Completion(one.side, "", completed, True)
        for one in sided
        if (completed := _with_character(around, one, node.code[-1]))
    )


def _with_character(around: _Around, sided: Sided, character: str) -> str:
    rows = around.extended.get(sided.node.pk)
    if rows is None:
        rows = around.extended[sided.node.pk] = list(
            Code.objects.filter(parent_id=sided.node.pk, kind=NodeKind.EXTENDED).only("code")
        )
    return next((row.code for row in rows if row.code.endswith(character)), "")


def _index_hints(release: Release, around: _Around, typed: Sequence[str]) -> dict[int, IndexHint]:
    editions = {edition.pk: edition for edition in editions_for(release)}
    if not editions:
        return {}
    asked = {node.pk: _printed_forms(around, node) for node in around.nodes.values()}
    titles = {node.pk: words(node.title) for node in around.nodes.values()}
    found: dict[int, IndexHint] = {}
    for entry in best_lines(list(editions), asked, typed, titles):
        forms = asked[entry.asked]
        edition = editions[entry.edition_id]
        found[entry.asked] = IndexHint(
            entry.entry_id,
            edition.kind,
            entry.full_term,
            next((code for code in entry.codes if code in forms), ""),
            other_year(edition, release),
        )
    return found


def _printed_forms(around: _Around, node: Code) -> list[str]:
    """How an index prints the code, whole or unfinished, or the code that its 7th character completes."""
    stem = around.stem_of(node)
    parent = around.above.get(stem.parent_id or 0)
    whole = dict.fromkeys((node.code, stem.code))
    forms = [form for code in whole for form in (code, f"[{code}]", f"{code}-", f"{code}.-", f"[{code}-]")]
    if parent is not None and parent.kind not in GROUP_KINDS:
        forms += [f"{parent.code}-", f"{parent.code}.-", f"[{parent.code}-]"]
    return forms
