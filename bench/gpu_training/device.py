"""What there is to train on. Run by the Python of the training environment:

    python device.py cuda|cpu SIZE [attention]

Prints one JSON object: name and memory of the device ("" and 0: there is none), the rate of a matrix product of
SIZE × SIZE (16 bits on a GPU, 32 on a processor), and with `attention` the kind that works here.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import torch

_BEFORE, _TIMED = 3, 20


def rate(device: str, size: int) -> float:
    """Operations a second, the median of twenty products of random numbers: zeros would be faster."""
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    seconds = [_timed(device, lambda: left @ right) for _ in range(_BEFORE + _TIMED)][_BEFORE:]
    return 2 * size**3 / statistics.median(seconds)


def _timed(device: str, work: Callable[[], object]) -> float:
    if device == "cpu":
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1000


def attention(device: str) -> str:
    """flex_attention where it can be compiled for a pack of several examples, forward and backward, and comes to what
    plain attention does; else sdpa, for which all pairs of a pass are reckoned."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    tokens, width = 512, 64
    example = torch.arange(tokens, device=device) // 100
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    parts = [torch.randn(1, 2, tokens, width, device=device, dtype=kind) for _ in range(3)]

    def together(_batch: object, _head: object, asks: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        return (asks >= asked) & (example[asks] == example[asked])

    places = torch.arange(tokens, device=device)
    mask = together(None, None, places[:, None], places[None, :])
    plain = torch.nn.functional.scaled_dot_product_attention(*parts, attn_mask=mask)
    try:
        given = [part.requires_grad_(device == "cuda") for part in parts]
        block = create_block_mask(together, None, None, tokens, tokens, device=device)
        found = torch.compile(flex_attention)(*given, block_mask=block)
        if device == "cuda":
            found.sum().backward()
            torch.cuda.synchronize()
    except (RuntimeError, ImportError, OSError) as error:
        sys.stderr.write(f"flex_attention cannot be compiled here: {type(error).__name__}\n")
        return "sdpa"
    return "flex_attention" if torch.allclose(found, plain, atol=0.02) else "sdpa"


def main(arguments: list[str]) -> None:
    device, size = arguments[0], int(arguments[1])
    found = {"name": "", "memory": 0, "tflops": 0.0, "torch": torch.__version__, "attention": ""}
    if device == "cpu":
        found |= {
            "name": "processor",
            "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        }
    elif torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        found |= {"name": card.name, "memory": card.total_memory}
    if found["name"]:
        found["tflops"] = rate(device, size) / 1e12
        if "attention" in arguments[2:]:
            found["attention"] = attention(device)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
