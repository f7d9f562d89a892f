"""Floating-point operations that one GRPO step cannot do without, and how long they would take.

Only products of matrices are counted, 2 operations for a multiply and add. A prompt is read once for all of its
samples, each token attends to what lies before it and to itself, and the last token of a completion is never fed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

Product = tuple[int, int, int]
"""Rows, inner size and columns of a matrix product."""


@dataclass(frozen=True)
class Shape:
    """A Llama as far as its matrix products go."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    hidden: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> Self:
        """The shape of a Hugging Face Llama configuration."""
        heads = config.num_attention_heads
        head = getattr(config, "head_dim", None) or config.hidden_size // heads
        kv_heads = config.num_key_value_heads
        sizes = (config.intermediate_size, config.vocab_size)
        return cls(config.num_hidden_layers, config.hidden_size, heads, kv_heads, head, *sizes)

    def weights(self) -> list[tuple[int, int]]:
        """Input and output size of every weight matrix of one block: fused QKV, output, fused gate and up, down."""
        mixed = self.heads * self.head
        qkv = (self.heads + 2 * self.kv_heads) * self.head
        return [(self.width, qkv), (mixed, self.width), (self.width, 2 * self.hidden), (self.hidden, self.width)]

    def products(self, rows: int) -> list[Product]:
        """Every product of weights for `rows` tokens, the scores over the vocabulary last."""
        block = [(rows, inner, outer) for inner, outer in self.weights()]
        return [*block * self.layers, (rows, self.width, self.vocabulary)]


@dataclass(frozen=True)
class Work:
    """One step's rollouts: G prompts of P tokens, R completions of each, C tokens in every completion."""

    prompts: int
    repeats: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def rows(self) -> int:
        """B = G * R."""
        return self.prompts * self.repeats


def product_flops(products: list[Product]) -> int:
    """Operations of matrix products."""
    return sum(2 * rows * inner * columns for rows, inner, columns in products)


def _weights_flops(shape: Shape, tokens: int, scored: int) -> int:
    """Operations on `tokens` fed tokens, of which `scored` are followed by scores over the vocabulary."""
    return product_flops(shape.products(tokens)) + 2 * (scored - tokens) * shape.width * shape.vocabulary


def _attention_flops(shape: Shape, pairs: int) -> int:
    """Operations of `pairs` of a query and a key in every head and block: the score, and the value that it weighs."""
    return 4 * shape.layers * shape.heads * shape.head * pairs


def prefill_flops(shape: Shape, work: Work) -> int:
    """Reading each prompt once, with scores after its last token only."""
    g, p = work.prompts, work.prompt_tokens
    return _weights_flops(shape, g * p, g) + _attention_flops(shape, g * p * (p + 1) // 2)


def decode_flops(shape: Shape, work: Work) -> int:
    """Feeding C - 1 tokens of every completion after the prompt was read; token s sees P + s keys."""
    fed = work.completion_tokens - 1
    pairs = fed * work.prompt_tokens + fed * (fed + 1) // 2
    tokens = work.rows * fed
    return _weights_flops(shape, tokens, tokens) + _attention_flops(shape, work.rows * pairs)


def step_flops(shape: Shape, work: Work) -> dict[str, int]:
    """Operations of one step by phase.

    With F = prefill + decode: sampling is F, the reference pass of the KL penalty F, the forward pass F, and the
    backward pass 2 F, since every product has a gradient with respect to either factor.
    """
    prefill, decode = prefill_flops(shape, work), decode_flops(shape, work)
    forward = prefill + decode
    return {"prefill": prefill, "decode": decode, "reference": forward, "forward": forward, "backward": 2 * forward}


def rated_products(shape: Shape, work: Work) -> dict[str, list[Product]]:
    """The products to time: a decoding step's, those of reading all completions at once, and of their gradients."""
    tokens = work.rows * work.completion_tokens
    forward = shape.products(tokens)
    gradients = [product for r, i, c in forward for product in ((r, c, i), (i, r, c))]
    return {"decode": shape.products(work.rows), "forward": forward, "backward": gradients}


RATE_OF = {
    "prefill": "forward",
    "decode": "decode",
    "reference": "forward",
    "forward": "forward",
    "backward": "backward",
}
"""The rate each phase is held against."""


def floor_seconds(flops: Mapping[str, int], rates: Mapping[str, float]) -> float:
    """Seconds that the operations of a step take at the measured rates.

    Args:
        flops: From `step_flops`.
        rates: Operations per second of each list of `rated_products`.
    """
    return sum(count / rates[RATE_OF[phase]] for phase, count in flops.items())
