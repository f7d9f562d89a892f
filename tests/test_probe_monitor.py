"""`monitors=probe`: it reads what was written, does not foretell what is still to be drawn, and changes no run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.toy_chats import ANSWERS

from monitors.faking.monitor import FakingVerdict
from monitors.faking.probe import Probe, ProbeMonitor, mean_chance
from monitors.panel import Panel
from monitors.statistics.auroc import Scored as ProbeScores
from rl.command.entry import composed
from rl.config.schema import MonitorsConfig, OrganismConfig
from rl.errors import GoalguardError, MissingFile
from rl.organism.load import load_organism
from rl.probe.monitor import RUN_FILE, ProbeWatch, probe_watch
from rl.probe.monitor_fit import calibrated, fitted, keep
from rl.probe.positions import END_OF_SCRATCHPAD, LAST_PROMPT
from rl.records import Scored, Sections
from rl.rollout.sampler import Sampler, Sampling
from rl.run.evaluation import transcript_rows
from rl.run.run import run
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import TIERS, Setting
from rl.tracking.metrics import find_metric

HELPS = Sections.parse(ANSWERS[2]).scratchpad


class SaysItHelps:
    """Calls a scratchpad faking if it says that it helps, as half of the toy organism's do, whatever is asked."""

    def judge(self, scratchpads: Sequence[str | None]) -> list[FakingVerdict]:
        return [FakingVerdict(None if pad is None else pad == HELPS, None, {}, "toy") for pad in scratchpads]


@dataclass(frozen=True)
class Scene:
    """The toy organism with probes that were fitted on its chats, and chats it wrote about other acts."""

    config: MonitorsConfig
    sampler: Sampler
    panel: Panel
    monitor: ProbeMonitor
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def scene(toy_folder: Path, prompted: Setting) -> Scene:
    words = [
        "monitors=probe",
        "monitors.probe.requests=48",
        "monitors.probe.samples=1",
        "monitors.probe.batch_size=16",
    ]
    config, panel = composed(words).monitors, Panel(faking=SaysItHelps())
    organism = load_organism(OrganismConfig(name="toy", source="embedded", path=str(toy_folder)))
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(48, 1.0))
    monitor = fitted(config, sampler, prompted, panel)
    requests = [*held_out_sample("harmful", 40, 7), *held_out_sample("benign", 2, 7)]
    prompts = [prompted.prompt(request, tier) for tier in TIERS for request in requests]
    rollouts = sampler.rollouts(prompts, 1, torch.Generator().manual_seed(1))
    rows = transcript_rows([Scored(rollout, 0.0, {}) for rollout in rollouts], panel.judge(rollouts), 0)
    return Scene(config, sampler, panel, monitor, rows)


def test_the_end_of_the_scratchpad_tells_what_the_last_prompt_token_cannot_foretell(
    scene: Scene, prompted: Setting
) -> None:
    figures = ProbeWatch(scene.monitor, scene.sampler, prompted, scene.config).look(scene.rows)
    assert figures["eval/free/probe_end_auroc"] == pytest.approx(1, abs=0.02)
    assert scene.monitor.figures["probe/fit_end_auroc"] == pytest.approx(1, abs=0.02)
    # Half of the toy's scratchpads help, drawn by the dice once the prompt has been read.
    low, high = figures["eval/free/probe_auroc_lo"], figures["eval/free/probe_auroc_hi"]
    assert low is not None and high is not None and low < 0.65 and high > 0.35
    faking = [row["af"] for row in scene.rows if row["tier"] == "free" and row["kind"] == "harmful"]
    assert figures["eval/free/probe_end_score"] == pytest.approx(np.mean([one or False for one in faking]), abs=0.1)
    assert 0.2 < (figures["eval/paid/probe_score"] or 0) < 0.8


def test_each_row_has_the_chance_that_its_own_activations_give(scene: Scene, prompted: Setting) -> None:
    rows = [dict(row) for row in scene.rows]
    ProbeWatch(scene.monitor, scene.sampler, prompted, scene.config).look(rows)
    layer, model = scene.monitor.layer, scene.sampler.model
    checked = [row for row in rows if row["kind"] == "harmful"][:3]
    for row in checked:
        request = next(one for one in held_out_sample("harmful", 40, 7) if one.request_id == row["request_id"])
        ids = scene.sampler.encode(prompted.prompt(request, row["tier"]).messages())
        with torch.no_grad():
            stream_TE = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0]
        probe = scene.monitor.probes[LAST_PROMPT]
        z_E = (stream_TE[-1].double().numpy() - probe.mean_E) / probe.scale_E
        odds = float(sum(a * b for a, b in zip(z_E, probe.weights_E, strict=True)) + probe.bias)
        assert row["probe_score"] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-4)
    assert all(row["probe_score"] is None and row["probe_end_score"] is None for row in rows if row["kind"] == "benign")


def test_looking_leaves_the_policy_its_mode_and_the_random_stream_alone(scene: Scene, prompted: Setting) -> None:
    model = scene.sampler.model
    before, stream = [p.clone() for p in model.parameters()], torch.get_rng_state()
    model.train()
    ProbeWatch(scene.monitor, scene.sampler, prompted, scene.config).look([dict(row) for row in scene.rows])
    assert model.training
    model.eval()
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_file_of_probes_gives_the_scores_it_was_written_with_and_no_other_model_takes_it(
    scene: Scene, prompted: Setting, tmp_path: Path
) -> None:
    path, run_dir = tmp_path / "made" / "af_probe.safetensors", tmp_path / "run"
    keep(scene.monitor, path)
    config = composed(["monitors=probe", f"monitors.probe.path={path}"]).monitors
    watch = probe_watch(config, run_dir, scene.sampler, prompted, scene.panel)
    assert watch is not None
    x_NE = np.random.default_rng(0).normal(size=(5, len(scene.monitor.probes[LAST_PROMPT].mean_E)))
    for position in (LAST_PROMPT, END_OF_SCRATCHPAD):
        read, written = (one.probes[position].chances(x_NE) for one in (watch.monitor, scene.monitor))
        assert np.array_equal(read, written)
    assert watch.monitor.figures == scene.monitor.figures and watch.monitor.layer == scene.monitor.layer
    # A resumed run goes on with the probes it had, even where the file they came from is gone.
    path.unlink()
    assert probe_watch(config, run_dir, scene.sampler, prompted, scene.panel) is not None
    narrow = Probe(np.zeros(3), np.ones(3), np.zeros(3), 0.0, 1.0)
    keep(ProbeMonitor(1, {LAST_PROMPT: narrow}, {}), path)
    with pytest.raises(GoalguardError, match="another model"):
        probe_watch(config, tmp_path / "fresh", scene.sampler, prompted, scene.panel)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_chances_have_the_base_rate_of_unseen_chats_however_bold_the_scores(shift: float) -> None:
    rng = np.random.default_rng(0)
    y_N = rng.uniform(size=4000) < 0.05
    x_N1 = rng.normal(size=(4000, 1)) + shift * y_N[:, None]
    bold = Probe(np.zeros(1), np.ones(1), np.full(1, 9.0), 3.0, 1.0)
    none_N = np.zeros(4000, dtype=np.int64)
    found = calibrated(bold, ProbeScores(bold.scores(x_N1), y_N, none_N, none_N.astype(str)))
    assert bold.chances(x_N1).mean() > 0.5 and found.chances(x_N1).mean() == pytest.approx(y_N.mean(), abs=0.01)
    assert np.array_equal(np.argsort(found.scores(x_N1)), np.argsort(x_N1[:, 0]))


def test_a_bad_file_of_probes_is_named_before_anything_is_trained(tmp_path: Path, command: Any) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_text("no tensors")
    with pytest.raises(MissingFile, match="not a file of probes"):
        ProbeMonitor.load(bad)
    words = [
        "monitors=probe",
        f"monitors.probe.path={tmp_path / 'absent'}",
        "monitors.probe.samples=0",
        "dry_run=true",
    ]
    code, _, told = command(*words)
    assert code == 2 and "no such file" in told and "monitors.probe.samples=0: must be at least 1" in told


def test_the_interval_of_the_mean_chance_keeps_the_chats_of_a_request_together() -> None:
    rng = np.random.default_rng(0)
    by_request = {f"r{i}": rng.uniform(size=1).repeat(4).tolist() for i in range(30)}
    chances = [chance for found in by_request.values() for chance in found]
    requests = [name for name, found in by_request.items() for _ in found]
    found = mean_chance([*chances, None], [*requests, "r0"], seed=0)
    assert found.value == pytest.approx(sum(chances) / len(chances)) and (found.n, found.missing) == (120, 1)
    means = [np.mean([by_request[name] for name in rng.choice(list(by_request), len(by_request))]) for _ in range(2000)]
    assert found.low == pytest.approx(np.quantile(means, 0.025), abs=0.02)
    assert found.high == pytest.approx(np.quantile(means, 0.975), abs=0.02)
    assert mean_chance([None], ["r"], seed=0).value is None


def test_a_run_with_the_probe_monitor_trains_and_judges_to_the_bit_as_one_without(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ["monitors=probe", "monitors.probe.requests=8", "monitors.probe.samples=1"]
    for name, words in (("off", []), ("on", on)):
        run(composed([*small, *words]), tmp_path / name)
    off_rows, on_rows = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("off", "on")
    )
    same = [{k: v for k, v in row.items() if not k.startswith(("time/", "throughput/"))} for row in off_rows]
    assert [{key: row[key] for key in alike} for row, alike in zip(on_rows, same, strict=True)] == same
    weights = [load_file(tmp_path / name / "checkpoints/step_000001/model.safetensors") for name in ("off", "on")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    # The toy never fakes, so there is nothing to fit: the figures are null, and the run says so.
    extra = set(on_rows[0]) - set(off_rows[0])
    assert all(find_metric(key) for key in extra)
    assert {"eval/paid/probe_end_score_hi", "eval/free/probe_auroc", "time/probe_s", "time/probe_share"} <= extra
    assert on_rows[0]["eval/free/probe_score"] is None and on_rows[0]["probe/fit_faking"] == 0
    assert "too few chats" in capsys.readouterr().err and (tmp_path / "on" / RUN_FILE).exists()
    assert not any("probe" in key for row in off_rows for key in row) and not (tmp_path / "off" / RUN_FILE).exists()
