"""A small random Llama with a tokenizer of its own. Run by the Python of the training environment:

    python make_base.py CORPUS FOLDER VOCABULARY HIDDEN LAYERS HEAD WIDER

The tokenizer, which learns from the questions and answers of CORPUS (a JSON string a line), and the chat template are
made as those of the small Llama that local servers are tried with; the weights are as they are drawn. The same corpus
and packages give the same files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from modelops.engines.llm.local.make_tiny_model import SEED, train_tokenizer

POSITIONS = 2048
# What stands in every question or answer costs one token instead of ten, and is not where a small model errs.
PIECES = (
    '{"codes":[{"description":"',
    '","code":"',
    '","rationale":"","line_start":',
    ',"line_end":',
    ',"quote":"',
    '"},{"description":"',
    '"}]}',
    "ICD-10-CM codes that these lines support, as JSON.\n\n",
    "The patient is ",
    " years old, ",
    "DOCUMENTS\n[Document]\n",
    "\nEND\n\nCODES",
    # A line's first word is then the same token in the chart and in the quote, and can be copied.
    "| ",
    # Never two as one: the question must be the same tokens with and without its answer.
    "\n",
)


def main(
    corpus: Path, folder: Path, vocabulary: int, hidden: int, layers: int, head: int, wider: float
) -> None:
    texts = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    tokenizer = train_tokenizer(texts, vocabulary, PIECES)
    tokenizer.model_max_length = POSITIONS
    torch.manual_seed(SEED)
    ends = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // head,
        num_key_value_heads=hidden // head,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        **ends,
    )
    model = LlamaForCausalLM(config).to(torch.float32)
    _begin(model, wider)
    model.generation_config = GenerationConfig(**ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    sys.stdout.write(f"{sum(one.numel() for one in model.parameters())}\n")


def _begin(model: LlamaForCausalLM, wider: float) -> None:
    """What a layer adds begins at nothing, and what it reads by is spread wider: so it learns in half the steps."""
    with torch.no_grad():
        for layer in model.model.layers:
            attention, feed = layer.self_attn, layer.mlp
            for part in (attention.q_proj, attention.k_proj, attention.v_proj, feed.gate_proj, feed.up_proj):
                part.weight *= wider
            for part in (attention.o_proj, feed.down_proj):
                part.weight.zero_()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(int(one) for one in sys.argv[3:7]), float(sys.argv[7]))
