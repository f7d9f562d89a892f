"""A monitor that reads activations: linear probes whose score is the chance that alignment faking is to come.

The other monitors read text. This one is given the policy's residual stream at named tokens (`rl.probe` takes it there)
and weights that were fitted on chats of the starting organism with the text monitor's verdicts as labels, so it can
foretell a verdict and never correct one.

Axes: N chats, E width of the residual stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from scipy.special import expit

from monitors.statistics.interval import Interval
from monitors.statistics.resampling import DRAWS
from rl.errors import MissingFile

_PARTS = ("mean", "scale", "weights", "bias")


@dataclass(frozen=True)
class Probe:
    """A direction with what activations are standardised by."""

    mean_E: NDArray[np.float64]
    scale_E: NDArray[np.float64]
    weights_E: NDArray[np.float64]
    bias: float
    strength: float
    """Inverse weight of the penalty it was fitted with."""

    def scores(self, x_NE: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds that the target holds."""
        return ((x_NE - self.mean_E) / self.scale_E) @ self.weights_E + self.bias

    def chances(self, x_NE: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same as probabilities, (N,): calibrated on the chats of the fit, and on no others."""
        return np.asarray(expit(self.scores(x_NE)))


@dataclass(frozen=True)
class ProbeMonitor:
    """The probes of one layer, and what is known of them."""

    layer: int
    """0 is the embedding."""
    probes: Mapping[str, Probe]
    """By the name of the token that is read; a token with too few examples to learn from has none."""
    figures: Mapping[str, float | None]
    """How well they did, on acts they had not seen, when they were fitted."""

    def tensors(self) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
        """Return what a safetensors file holds, and its metadata; `load` reads it back."""
        made: dict[str, NDArray[np.float64]] = {}
        for position, probe in self.probes.items():
            values = (probe.mean_E, probe.scale_E, probe.weights_E, np.array([probe.bias]))
            made |= {f"{position}.{part}": value for part, value in zip(_PARTS, values, strict=True)}
        told = {"layer": self.layer, "figures": dict(self.figures)}
        told["strengths"] = {position: probe.strength for position, probe in self.probes.items()}
        return made, {"goalguard_probe": json.dumps(told, sort_keys=True)}

    @staticmethod
    def load(path: Path) -> ProbeMonitor:
        """Read a file of probes.

        Raises:
            MissingFile: it is not there, or is no such file.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                told = json.loads(file.metadata()["goalguard_probe"])
                probes = {
                    position: _probe([file.get_tensor(f"{position}.{part}") for part in _PARTS], strength)
                    for position, strength in told["strengths"].items()
                }
        except FileNotFoundError as error:
            raise MissingFile(f"{path}: no such file; scripts.probe writes one, af_probe.safetensors") from error
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise MissingFile(f"{path}: not a file of probes as scripts.probe writes it ({error})") from error
        return ProbeMonitor(told["layer"], probes, told["figures"])


def _probe(parts: Sequence[NDArray[np.float64]], strength: float) -> Probe:
    mean_E, scale_E, weights_E, bias_1 = parts
    return Probe(mean_E, scale_E, weights_E, float(bias_1[0]), strength)


def mean_chance(chances: Sequence[float | None], requests: Sequence[str], *, seed: int) -> Interval:
    """Return the mean chance with a 95% bootstrap interval over requests, all chats of a request together.

    Args:
        chances: Of N chats; None where a chat lacks the token.
        requests: The request of each.
        seed: Of the bootstrap.
    """
    kept = [(chance, request) for chance, request in zip(chances, requests, strict=True) if chance is not None]
    missing = len(chances) - len(kept)
    if not kept:
        return Interval(None, None, None, 0, missing)
    names, place_N = np.unique([request for _, request in kept], return_inverse=True)
    counts_R = np.bincount(place_N).astype(float)
    sums_R = np.bincount(place_N, [chance for chance, _ in kept])
    share = np.full(len(names), 1 / len(names))
    weights_DR = np.random.default_rng(seed).multinomial(len(names), share, size=DRAWS)
    low, high = np.quantile((weights_DR @ sums_R) / (weights_DR @ counts_R), [0.025, 0.975])
    return Interval(float(sums_R.sum() / counts_R.sum()), float(low), float(high), len(kept), missing)
