"""Small recurrent readers in numpy: gated recurrent units in both directions, pooled over a text and its last sentence.

Axis suffixes: `_N` texts, `_T` tokens, `_D` inputs, `_H` hidden units, `_K` outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]
BATCH = 64
"""Texts read side by side; more would not be faster and would pad more."""


@dataclass(frozen=True)
class Direction:
    """One gated recurrent unit (Cho et al. 2014), gates in the order reset, update, new, as torch keeps them."""

    inputs_GD: Array
    """(3 H, D)."""
    states_GH: Array
    """(3 H, H)."""
    input_bias_G: Array
    state_bias_G: Array

    def states(self, inputs_NTD: Array, lengths_N: NDArray[np.int64]) -> Array:
        """Return the state after every token, (N, T, H); texts come longest first, and states past an end are 0."""
        texts, longest, _ = inputs_NTD.shape
        size = self.states_GH.shape[1]
        gates_NTG = inputs_NTD @ self.inputs_GD.T + self.input_bias_G
        state_NH, found_NTH = np.zeros((texts, size)), np.zeros((texts, longest, size))
        for t in range(longest):
            reading = int((lengths_N > t).sum())
            given, held = gates_NTG[:reading, t], state_NH[:reading]
            own = held @ self.states_GH.T + self.state_bias_G
            reset, update = np.split(_sigmoid(given[:, : 2 * size] + own[:, : 2 * size]), 2, axis=1)
            new = np.tanh(given[:, 2 * size :] + reset * own[:, 2 * size :])
            state_NH[:reading] = new + update * (held - new)
            found_NTH[:reading, t] = state_NH[:reading]
        return found_NTH


@dataclass(frozen=True)
class Reader:
    """A reader in both directions with a linear output over pooled states."""

    forward: Direction
    backward: Direction
    output_KP: Array
    """(K, 4 H): of the whole text, then of its last sentence, the largest value of each unit, both directions."""
    output_bias_K: Array

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[np.floating]]) -> Reader:
        """Return a reader from the arrays of a torch module with a bidirectional `rnn` and a linear `output`."""
        kept = {name: array.astype(np.float64) for name, array in arrays.items()}
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        both = [Direction(*(kept[f"rnn.{name}{end}"] for name in names)) for end in ("", "_reverse")]
        return Reader(both[0], both[1], kept["output.weight"], kept["output.bias"])

    def outputs(self, texts: Sequence[Array], last: Sequence[int]) -> Array:
        """Return what the reader says of each text, shape (N, K).

        Args:
            texts: The inputs of each text, shape (T, D), at least one token.
            last: Where the last sentence of each text starts, a token number.
        """
        said = np.zeros((len(texts), len(self.output_bias_K)))
        order = np.argsort([-len(text) for text in texts], kind="stable")
        # Each product is too small to share: two threads that wait for each other on a busy machine cost ten times it.
        with _controller().limit(limits=1, user_api="blas"):
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                said[rows] = self._batch([texts[i] for i in rows], np.array([last[i] for i in rows]))
        return said

    def _batch(self, texts: Sequence[Array], last_N: NDArray[np.int64]) -> Array:
        lengths_N = np.array([len(text) for text in texts])
        padded = np.zeros((len(texts), lengths_N[0], texts[0].shape[1]))
        turned = np.zeros_like(padded)
        for i, text in enumerate(texts):
            padded[i, : len(text)], turned[i, : len(text)] = text, text[::-1]
        ahead = self.forward.states(padded, lengths_N)
        back = self.backward.states(turned, lengths_N)
        place_T = np.arange(lengths_N[0])
        for i, length in enumerate(lengths_N):
            back[i, :length] = back[i, :length][::-1]
        states_NTP = np.concatenate([ahead, back], axis=2)
        inside_NT = place_T < lengths_N[:, None]
        pooled = [
            np.where(kept[:, :, None], states_NTP, -np.inf).max(axis=1)
            for kept in (inside_NT, inside_NT & (place_T >= last_N[:, None]))
        ]
        return np.concatenate(pooled, axis=1) @ self.output_KP.T + self.output_bias_K


@cache
def _controller() -> ThreadpoolController:
    """Return a handle on the numerical libraries that are loaded; finding them takes a while, so once is enough."""
    return ThreadpoolController()


def _sigmoid(logits: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * logits))
