"""How fast this machine multiplies matrices of given sizes, with torch in float32."""

from __future__ import annotations

import time
from collections import Counter

import torch

from rl.bench.flops import Product, product_flops

TRIES = 5
SECONDS_PER_TRY = 0.02
SQUARE: Product = (1024, 1024, 1024)
"""The product whose rate is reported for comparison with other machines."""


def seconds_of(product: Product) -> float:
    """Seconds of one product: the best of several tries, each long enough for the clock."""
    rows, inner, columns = product
    left, right, out = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    torch.mm(left, right, out=out)
    started = time.perf_counter()
    torch.mm(left, right, out=out)
    count = max(1, round(SECONDS_PER_TRY / (time.perf_counter() - started)))
    return min(_tried(left, right, out, count) for _ in range(TRIES))


def _tried(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor, count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        torch.mm(left, right, out=out)
    return (time.perf_counter() - started) / count


def rate(products: list[Product]) -> float:
    """Operations per second over a list of products, each kind timed once."""
    return product_flops(products) / sum(count * seconds_of(product) for product, count in Counter(products).items())
