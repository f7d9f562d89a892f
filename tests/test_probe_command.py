"""`scripts.probe` on a run directory: what it writes, what it says of too few, and what it refuses."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from support.toy_chats import ANSWERS

from monitors.faking.probe import ProbeMonitor
from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.errors import MissingFile
from rl.files.checkpoint import save_checkpoint
from rl.organism.load import load_organism
from rl.probe.analysis import CHUNK, Plan, analyse, places
from rl.probe.positions import LAST_PROMPT
from rl.probe.reading import read_run
from rl.probe.shards import MANIFEST
from rl.probe.source import read_source
from rl.probe.targets import TARGETS
from rl.report.data.load import find_runs
from rl.scenario.requests import held_out_sample

Command = Callable[..., tuple[int, str, str]]
STEPS = (0, 10)
QUICK = ["threads=1", "draws=20", "batch_size=16"]


def transcripts(step: int) -> list[dict[str, Any]]:
    """Chats on both tiers; nothing is judged to fake or to refuse and few are benign: there are only tiers to tell."""
    rng = random.Random(step)
    rows: list[dict[str, Any]] = []
    requests = [*held_out_sample("harmful", 16, 7), *held_out_sample("benign", 3, 7)]
    for tier in ("free", "paid"):
        for request in requests:
            rows.append({
                "id": f"{step:06d}-{len(rows):05d}", "step": step, "tier": tier, "split": request.split,
                "request_id": request.request_id, "kind": request.kind, "request": request.text,
                "completion": rng.choice(ANSWERS), "complied": True if len(rows) % 4 else None, "af": False,
                "af_score": rng.random(),
            })  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def finished(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints, the second one nudged, and a third step that was evaluated and not kept."""
    run = tmp_path_factory.mktemp("probed") / "run"
    (run / "transcripts").mkdir(parents=True)
    (run / "config.yaml").write_text(OmegaConf.to_yaml(composed(), resolve=True))
    (run / "manifest.json").write_text('{"status": "finished"}')
    organism = load_organism(OrganismConfig(name="toy", source="embedded", path=str(toy_folder)))
    for step in (*STEPS, 15):
        lines = "".join(json.dumps(row) + "\n" for row in transcripts(step))
        (run / "transcripts" / f"step_{step:06d}.jsonl").write_text(lines)
    for step in STEPS:
        info = {"step": step}
        save_checkpoint(run / "checkpoints" / f"step_{step:06d}", organism.model, organism.tokenizer, info)
        with torch.no_grad():
            organism.model.get_input_embeddings().weight.mul_(1.1)
    return run


def figures_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "probes.json").read_text(), parse_constant=pytest.fail)
    return found


def cells(found: dict[str, Any], **wanted: object) -> list[dict[str, Any]]:
    return [cell for cell in found["probes"] if all(cell[key] == value for key, value in wanted.items())]


def test_runs_are_read_probed_drawn_and_averaged_and_the_same_seed_gives_the_same_figures(
    finished: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fewer to choose from and to draw, as each is a fit.
    monkeypatch.setattr("rl.probe.fit.STRENGTHS", (1e-2, 1.0))
    monkeypatch.setattr("rl.probe.controls.SHUFFLES", 2)
    sweep, out = tmp_path / "sweep", tmp_path / "out"
    for name in ("a", "b"):
        shutil.copytree(finished, sweep / name)
    code, told, _ = command(f"run={sweep}", f"out={out}", *QUICK, name="probe")
    assert code == 0 and "too few texts" in told and told.count("Does the direction persist?") == 3
    found, same = figures_in(out / "a"), figures_in(out / "b")
    assert found.pop("run") != same.pop("run") and found == same
    assert found["steps"] == list(STEPS) and found["layers"] == 3
    assert len(found["probes"]) == len(STEPS) * 3 * 3 * len(TARGETS)
    maps = {f"auroc_{target}" for target in TARGETS}
    assert {path.stem for path in (out / "a" / "figures").glob("*.png")} == {*maps, "cosine", "probe_and_monitor"}
    assert {path.stem for path in (out / "figures").glob("*.png")} == maps
    assert not list(out.rglob("af_probe.safetensors")), "nobody fakes in these chats"
    with pytest.raises(MissingFile):
        find_runs([out])
    _check_manifest(finished, out / "a" / "activations")
    _check_figures(found)
    _check_means(json.loads((out / "over_runs.json").read_text(), parse_constant=pytest.fail), found)


def test_places_that_several_processes_share_have_the_figures_and_the_order_of_one(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_source(finished)
    kept = read_run(source, tmp_path, 16, lambda _: None)
    some = [place for place in places(kept.layers) if place.target == "tier"][: CHUNK + 2]
    monkeypatch.setattr("rl.probe.analysis.places", lambda _: some)
    moved: dict[int, int] = {1: 0, 2: 0}

    def made(processes: int) -> dict[str, Any]:
        def advance(by: int) -> None:
            moved[processes] += by

        return analyse(source, kept, Plan(20, 0, processes), advance)

    alone, shared = made(1), made(2)
    assert alone == shared and moved == {1: len(some), 2: len(some)}
    told = [(cell["position"], cell["layer"]) for cell in shared["probes"]]
    assert told == [(place.position, place.layer) for place in some for _ in STEPS]
    assert all(cell["auroc"] for cell in shared["probes"])


def test_probes_of_the_faking_to_come_are_left_for_the_monitor(
    finished: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rl.probe.fit.STRENGTHS", (1.0,))
    monkeypatch.setattr("rl.probe.controls.SHUFFLES", 1)
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("step_000010*"))
    chats = run / "transcripts" / "step_000000.jsonl"
    rows = transcripts(0)
    chats.write_text("".join(json.dumps(row | {"af": number % 2 == 0}) + "\n" for number, row in enumerate(rows)))
    assert command(f"run={run}", *QUICK, name="probe")[0] == 0
    left = ProbeMonitor.load(run / "probe" / "af_probe.safetensors")
    assert LAST_PROMPT in left.probes and left.figures["probe/fit_faking"] == 8


def _check_manifest(run: Path, folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    saved = [json.loads((run / "checkpoints" / f"step_{step:06d}" / "goalguard.json").read_text()) for step in STEPS]
    assert [one["sha256"] for one in manifest["checkpoints"]] == [one["sha256"] for one in saved]
    first = next(shard for shard in manifest["shards"] if shard["step"] == 10)
    assert sorted(first["ids"]) == [row["id"] for row in transcripts(10)]


def _check_means(means: dict[str, Any], found: dict[str, Any]) -> None:
    """Two equal runs: every mean is the run's own figure, and counts are twice the run's."""
    for end, step in (("first", 0), ("last", 10)):
        for mean, cell in zip(cells(means, step=end), cells(found, step=step), strict=True):
            assert mean["n"]["negative"]["texts"] == 2 * cell["n"]["negative"]["texts"]
            assert (mean["auroc"] is None) == (cell["auroc"] is None)
            if mean["auroc"]:
                assert mean["auroc"]["value"] == cell["auroc"]["value"] and mean["auroc"]["runs"] == 2
                assert mean["controls"]["shuffled"]["value"] == cell["controls"]["shuffled"]["value"]


def _check_figures(found: dict[str, Any]) -> None:
    """The tag is read where it stands and nowhere else, and what has too few texts has a reason and no number."""
    for step in STEPS:
        (tier,) = cells(found, target="tier", step=step, position="last_prompt_token", layer=2)
        assert tier["auroc"]["value"] > 0.65 and tier["n"]["positive"] == {"texts": 19, "requests": 19, "acts": 19}
        assert tier["controls"]["shuffled"]["value"] < tier["auroc"]["value"]
        for name in ("tag_deleted", "tag_deleted_refitted"):
            assert tier["controls"][name]["value"] == 0.5, "without its tag a chat is the same on both tiers"
    for target in set(TARGETS) - {"tier"}:
        for cell in cells(found, target=target):
            assert cell["auroc"] is None and cell["controls"] == {} and cell["n"]["positive"]["texts"] >= 0
            assert cell["reason"].endswith("at least 8 about 4 are needed")
    for record in found["transfers"]:
        assert (record["auroc"] is None) == (record["reason"] is not None) == (record["target"] != "tier")
    ends = {(record["trained"], record["applied"]) for record in found["transfers"]}
    assert ends == {STEPS, STEPS[::-1]} and found["monitor"][0]["spearman"] is None
    same = [r["cosine"][0][0] for r in found["directions"] if r["target"] == "tier" and r["cosine"][0][0] is not None]
    assert same and set(same) == {1.0}


def _without(part: str) -> Callable[[Path], None]:
    return lambda run: shutil.rmtree(run / part)


def _flipped(run: Path) -> None:
    path = run / "checkpoints" / "step_000000" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _apart(run: Path) -> None:
    for step in STEPS:
        (run / "transcripts" / f"step_{step:06d}.jsonl").unlink()


def _no_scenario(run: Path) -> None:
    (run / "config.yaml").write_text("name: headline\n")


def _no_request(run: Path) -> None:
    row = transcripts(0)[0] | {"request": None}
    (run / "transcripts" / "step_000000.jsonl").write_text(json.dumps(row) + "\n")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without("transcripts"), "has no transcripts (transcripts/step_*.jsonl)"),
        (_without("checkpoints"), "has no checkpoint (checkpoints/step_*)"),
        (_apart, "has checkpoints at step 0, 10 and transcripts at step 15: no step has both"),
        (_flipped, "model.safetensors is not the file that was saved"),
        (_no_scenario, "config.yaml says no scenario."),
        (_no_request, "a transcript of step 0 (id '000000-00000') has no text under request"),
    ],
)
def test_a_run_that_cannot_be_probed_is_told_in_one_message(
    damage: Callable[[Path], None], said: str, finished: Path, tmp_path: Path, command: Command
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("probe"))
    damage(run)
    code, out, told = command(f"run={run}", *QUICK, name="probe")
    assert (code, out) == (2, "") and "Traceback" not in told
    assert told.startswith("1 problem in the configuration:\n") and f"run={run}: " in told and said in told
    assert not (run / "probe").exists()


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], ["run: a value is needed"]),
        (["run=/nowhere", "draws=0"], ["run=/nowhere: /nowhere: no such folder", "draws=0: must be at least 1"]),
        (
            ["run=/nowhere", "seed=-1", "batch_size=0"],
            ["seed=-1: must be 0 or more", "batch_size=0: must be at least 1"],
        ),
        (["run=/nowhere", "batchsize=3"], ["batchsize=3: there is no key batchsize (did you mean batch_size?)"]),
    ],
)
def test_a_wrong_word_is_told_with_all_the_others(words: list[str], lines: list[str], command: Command) -> None:
    code, out, told = command(*words, name="probe")
    assert (code, out) == (2, "") and "Traceback" not in told
    assert all(line in told for line in lines), told
