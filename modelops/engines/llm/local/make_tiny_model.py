"""Makes a small Llama and a LoRA adapter for it. Run by the Python of the vLLM environment, never imported.

    python make_tiny_model.py CORPUS MODEL ADAPTER

The tokenizer is a byte-level BPE trained on the lines of CORPUS, so that clinical words and code titles take few
tokens and any text at all can be told. The weights are random but for one thing: the tokens that end a string and a
list are made likelier, so that an answer under a grammar comes to an end. What the model answers means nothing, and
what the server does with it (grammar, probabilities, windows, limits, adapters) is real. The same corpus and
packages give the same files, byte for byte.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VOCABULARY = 4096
POSITIONS = 8192
SEED = 20260401
ADAPTER_RANK = 8
# Standard deviations of a token's logit that these are raised by. The highest of 4,096 lies at about 3.6.
RAISED = {'"': 4.0, "]": 0.7, "]}": 0.7}
# Attention as it is drawn is so even that every chart would be answered alike; it is made to pick single tokens.
SHARPER = 3.0
# How GPT-2 cuts a text into words, and ByteLevel after it.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPECIAL = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|pad|>",
)
# The shape of Llama 3's: a header with the role, an empty line, the words, the end of the turn.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def train_tokenizer(lines: list[str], vocabulary: int = VOCABULARY, pieces: Sequence[str] = ()) -> Any:
    """`pieces`: what is never cut into words, so that what stands in every text can become one token."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if pieces:
        words = Regex("|".join([*map(re.escape, pieces), WORDS]))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(words, "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    if tokenizer.get_vocab_size() != vocabulary:
        raise SystemExit(f"The corpus gives {tokenizer.get_vocab_size()} tokens instead of {vocabulary}.")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin_of_text|>",  # noqa: S106  a token of the vocabulary
        eos_token="<|eot_id|>",  # noqa: S106  a token of the vocabulary
        pad_token="<|pad|>",  # noqa: S106  a token of the vocabulary
        model_max_length=POSITIONS,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def make_model(tokenizer: Any, folder: Path) -> Any:
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config).to(torch.float32)
    with torch.no_grad():
        for layer in model.model.layers:
            attention = layer.self_attn
            for part in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj):
                part.weight *= SHARPER
    raise_ends(model, tokenizer)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return config


def raise_ends(model: Any, tokenizer: Any) -> None:
    """Gives the last layer a bias, which Llama has none of: the first place of the state holds the same in every
    token and no layer writes to it, so the output's weights of that place are added to every token's logit."""
    import torch

    with torch.no_grad():
        state = model.model.embed_tokens.weight
        state[:, 0] = state.std() * state.shape[1] ** 0.5 / 2
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0
            layer.mlp.down_proj.weight[0] = 0
        ids = torch.tensor([tokenizer.encode("The patient is well.")])
        hidden = model.model(ids).last_hidden_state[0, -1]
        spread = model.lm_head.weight.std() * hidden[1:].norm()
        model.lm_head.weight[:, 0] = 0
        vocabulary = tokenizer.get_vocab()
        for token, height in RAISED.items():
            if token in vocabulary:
                model.lm_head.weight[vocabulary[token], 0] = height * spread / hidden[0]


def make_adapter(config: Any, model: Path, folder: Path) -> None:
    """An adapter in PEFT's layout, with weights large enough that its answers differ from the base model's."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(SEED + 1)
    head = config.hidden_size // config.num_attention_heads
    widths = {"q_proj": config.hidden_size, "v_proj": config.num_key_value_heads * head}
    weights = {}
    for layer in range(config.num_hidden_layers):
        for name, width in widths.items():
            stem = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{stem}.lora_A.weight"] = torch.randn(ADAPTER_RANK, config.hidden_size) * 0.2
            weights[f"{stem}.lora_B.weight"] = torch.randn(width, ADAPTER_RANK) * 0.2
    folder.mkdir(parents=True)
    save_file(weights, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": model.name,
        "r": ADAPTER_RANK,
        "lora_alpha": 2 * ADAPTER_RANK,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(widths),
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")


def main(arguments: list[str]) -> None:
    corpus, model, adapter = (Path(one) for one in arguments)
    tokenizer = train_tokenizer(corpus.read_text(encoding="utf-8").split("\n"))
    make_adapter(make_model(tokenizer, model), model, adapter)


if __name__ == "__main__":
    main(sys.argv[1:])
