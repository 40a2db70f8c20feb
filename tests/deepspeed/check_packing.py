"""Packed against separate, by the trainer's own parts. Run by the Python of the training environment:

    python check_packing.py RUN

Prints one JSON object: mean losses, the keys of a packed batch, the fewest loss tokens of an example.
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {
    "RANK": "0",
    "LOCAL_RANK": "0",
    "WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "0",
}

import torch
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from modelops.training import entrypoint
from modelops.training.examples import IGNORED
from modelops.training.files import RunFolder


def total(model, batch):
    """Sum of the losses, and over how many tokens."""
    with torch.no_grad():
        logits = model(**{k: v for k, v in batch.items() if k != "labels"}, use_cache=False).logits
    labels = batch["labels"][0, 1:]
    kept = labels != IGNORED
    loss = torch.nn.functional.cross_entropy(logits[0, :-1][kept].double(), labels[kept], reduction="sum")
    return loss.item(), int(kept.sum())


def main(folder: Path) -> None:
    job = RunFolder(folder).read_run()
    tokenizer = entrypoint._tokenizer(Path(job.base))
    model = entrypoint._model(Path(job.base), job).eval()
    # Weights as they are drawn are too small for one example to disturb another visibly.
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4 if weight.dim() > 1 else 1)
    train, _ = entrypoint._examples(job, job.recipe.phases[0], tokenizer)
    collate = DataCollatorForLanguageModeling(pad_token_id=3, padding_free=True)
    packed = pack_dataset(entrypoint._dataset(train), job.recipe.max_tokens, "bfd")
    batches = [collate([one]) for one in packed]
    together = [total(model, batch) for batch in batches]
    alone = [
        total(model, {"input_ids": torch.tensor([ids]), "labels": torch.tensor([labels])})
        for ids, labels in zip(train.input_ids, train.labels, strict=True)
    ]
    masked = [
        total(model, {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}) for batch in batches
    ]
    sys.stdout.write(
        json.dumps(
            {
                "packed": sum(loss for loss, _ in together) / sum(count for _, count in together),
                "separate": sum(loss for loss, _ in alone) / sum(count for _, count in alone),
                "with_a_mask": sum(loss for loss, _ in masked) / sum(count for _, count in masked),
                "tokens": [sum(count for _, count in together), sum(count for _, count in alone)],
                "keys": sorted({key for batch in batches for key in batch}),
                "fewest": min(sum(label != IGNORED for label in labels) for labels in train.labels),
                "packs": len(batches),
                "lengths": [len(ids) for ids in train.input_ids],
                "counts": train.counts(),
                "most_in_a_pack": max(len(one["seq_lengths"]) for one in packed),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
