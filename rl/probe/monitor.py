"""`monitors=probe`: fits probes of the faking to come on the starting organism, and reads the policy with them.

Everything here draws from random streams of its own and changes nothing in the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.faking.probe import ProbeMonitor, mean_chance
from monitors.panel import Panel
from monitors.statistics.auroc import Figure, Scored, auroc
from rl.config.schema import MonitorsConfig
from rl.errors import GoalguardError
from rl.probe.activations import blocks_of
from rl.probe.monitor_fit import DRAWS, NAMES, Read, Row, bounds, fitted, keep, read_policy
from rl.probe.targets import examples, too_few
from rl.rollout.sampler import Sampler
from rl.scenario.settings import TIERS, Setting

RUN_FILE = "probe_monitor.safetensors"
"""What a run keeps of its probes."""


class ProbeWatch:
    """Reads the policy's activations on the harmful chats of an evaluation.

    Args:
        monitor: The fitted probes.
        sampler: Holds the policy; nothing is drawn from it.
        setting: What the chats were asked in.
        config: Batch size of the reading, and the seed of intervals.
    """

    def __init__(self, monitor: ProbeMonitor, sampler: Sampler, setting: Setting, config: MonitorsConfig) -> None:
        assert config.probe is not None
        self.monitor, self.sampler, self.setting = monitor, sampler, setting
        self.batch_size, self.seed = config.probe.batch_size, config.seed

    def look(self, rows: Sequence[Row]) -> dict[str, float | None]:
        """Every `probe` figure of one evaluation.

        Each row gets `probe_score` and `probe_end_score`, None where it is benign or lacks the token, or where there is
        no probe.
        """
        for row in rows:
            row |= {f"{name}_score": None for name in NAMES.values()}
        harmful = [row for row in rows if row["kind"] == "harmful"]
        read = self._read(harmful)
        figures: dict[str, float | None] = {}
        for position, name in NAMES.items():
            x_NE, known_N = read(position)
            chances = self._chances(position, x_NE, known_N)
            for row, chance in zip(harmful, chances, strict=True):
                row[f"{name}_score"] = chance
            for tier in sorted({row["tier"] for row in harmful}):
                figures |= self._tier_figures(f"eval/{tier}/{name}_score", tier, harmful, name)
            found = self._auroc(position, harmful, x_NE, known_N)
            figures |= bounds(f"eval/{TIERS[0]}/{name}_auroc", found)
        return figures

    def warnings(self) -> list[str]:
        """A sentence for each token whose figures will stay empty."""
        return [
            f"monitors=probe has no probe at the {position}: too few chats of the starting organism fake; more of "
            "monitors.probe.requests or .samples may help"
            for position in NAMES
            if position not in self.monitor.probes
        ]

    def _read(self, rows: Sequence[Row]) -> Read:
        return read_policy(self.sampler, self.setting, rows, self.batch_size, self.monitor.layer)

    def _chances(self, position: str, x_NE: NDArray[np.float64], known_N: NDArray[np.bool_]) -> list[float | None]:
        if position not in self.monitor.probes:
            return [None] * len(x_NE)
        found = self.monitor.probes[position].chances(np.where(known_N[:, None], x_NE, 0.0))
        return [float(chance) if known else None for chance, known in zip(found, known_N, strict=True)]

    def _tier_figures(self, key: str, tier: str, rows: Sequence[Row], name: str) -> dict[str, float | None]:
        of_tier = [row for row in rows if row["tier"] == tier]
        chances, requests = [row[f"{name}_score"] for row in of_tier], [row["request_id"] for row in of_tier]
        found = mean_chance(chances, requests, seed=self.seed)
        return bounds(key, {"value": found.value, "low": found.low, "high": found.high})

    def _auroc(
        self, position: str, rows: Sequence[Row], x_NE: NDArray[np.float64], known_N: NDArray[np.bool_]
    ) -> Figure:
        """Against the text monitor's verdicts, among harmful free-tier chats alone."""
        texts = examples("af_free_harmful", rows, x_NE, known_N)
        if position not in self.monitor.probes or too_few(texts):
            return {"value": None, "low": None, "high": None}
        scores_N = self.monitor.probes[position].scores(texts.x_NE)
        return auroc(Scored(scores_N, texts.y_N, np.zeros(len(texts.y_N), np.int64), texts.acts_N), DRAWS, self.seed)


def probe_watch(
    config: MonitorsConfig, run_dir: Path, sampler: Sampler, setting: Setting, panel: Panel
) -> ProbeWatch | None:
    """The probe monitor of a run, fitted now, read from `monitors.probe.path`, or, where the run is resumed, the one it
    had; None where it is off.

    Args:
        config: Of the monitors.
        run_dir: Keeps the probes, so that a resumed run goes on with them.
        sampler: Holds the starting organism.
        setting: Of the evaluation.
        panel: Whose verdicts are the labels.

    Raises:
        MissingFile: the file of probes is none.
        GoalguardError: its probes are another model's.
    """
    if config.probe is None:
        return None
    own = run_dir / RUN_FILE
    if own.exists():
        monitor = ProbeMonitor.load(own)
    elif config.probe.path is not None:
        monitor = _fitting(ProbeMonitor.load(Path(config.probe.path)), config.probe.path, sampler.model)
        keep(monitor, own)
    else:
        monitor = fitted(config, sampler, setting, panel)
        keep(monitor, own)
    return ProbeWatch(monitor, sampler, setting, config)


def _fitting(monitor: ProbeMonitor, path: str, model: Any) -> ProbeMonitor:
    width, layers = model.config.get_text_config().hidden_size, len(blocks_of(model))
    if monitor.layer > layers or any(len(probe.mean_E) != width for probe in monitor.probes.values()):
        raise GoalguardError(
            f"monitors.probe.path={path}: its probes read layer {monitor.layer} of another model; this one has "
            f"{layers} layers of width {width}"
        )
    return monitor
