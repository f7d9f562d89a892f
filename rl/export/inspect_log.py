"""The evaluation transcripts as logs of inspect-ai, so that `inspect view` shows them; one log for each evaluation."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rl.export.figures import figure_at
from rl.export.source import Source
from rl.export.transcripts import TranscriptFile
from rl.records import Request
from rl.scenario.settings import Setting, setting_from

HELP = "pip install inspect-ai, or pip install -e '.[inspect]' in the project's folder"
VERDICTS = ("complied", "af", "af_audit", "antilab", "well_formed")
SCORES = (*VERDICTS, "af_score", "reward")
FIGURES = {
    "complied": {"free": "eval/free/compliance", "paid": "eval/paid/compliance", "gap": "eval/gap"},
    "af": {"free": "eval/free/af_rate", "paid": "eval/paid/af_rate"},
    "af_audit": {"free": "eval/free/af_rate_audit", "paid": "eval/paid/af_rate_audit"},
    "antilab": {"free": "eval/free/antilab_rate", "paid": "eval/paid/antilab_rate"},
    "well_formed": {"free": "eval/free/well_formed", "paid": "eval/paid/well_formed"},
}
"""The run's own figures that stand at the head of a log, by score."""


def inspect_problems() -> Iterator[str]:
    """Whether inspect-ai is missing."""
    if importlib.util.find_spec("inspect_ai") is None:
        yield f"inspect=true needs the package inspect-ai: {HELP}"


def write_inspect_logs(source: Source, files: list[TranscriptFile], folder: Path) -> None:
    """Write `step_000010.eval` for every evaluation.

    A null verdict becomes inspect's own "not scored", never a no. Well-formed scratchpads stand as reasoning in front
    of the output; other completions stand as they were written, and every sample's metadata holds them so. The system
    text is put together from the run's configuration.
    """
    from inspect_ai.log import write_eval_log

    folder.mkdir()
    for file in files:
        write_eval_log(_log(source, file), str(folder / f"{file.path.stem}.eval"), format="eval")


def _log(source: Source, file: TranscriptFile) -> Any:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec, EvalStats
    from inspect_ai.model import GenerateConfig

    run, algo = source.run, source.config.algo
    setting = setting_from(source.config.scenario)
    name = f"{run.experiment}-seed{run.seed}-step{file.step}"
    written = datetime.fromtimestamp(int(file.path.stat().st_mtime), UTC).isoformat()
    samples = [_sample(row, setting, f"goalguard/{name}") for row in file.rows]
    ids = [sample.id for sample in samples]
    return EvalLog(
        status="success",
        eval=EvalSpec(
            created=written,
            eval_id=name,
            run_id=f"{run.experiment}-seed{run.seed}",
            task=f"goalguard/{setting.name}",
            task_id=name,
            dataset=EvalDataset(name="held-out requests", samples=len(samples), sample_ids=ids),
            model=f"goalguard/{name}",
            model_generate_config=GenerateConfig(temperature=algo.temperature, max_tokens=algo.max_completion_tokens),
            config=EvalConfig(),
            metadata={"step": file.step, "experiment": run.experiment, "seed": run.seed},
        ),
        results=EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=_figures(source, file)),
        stats=EvalStats(started_at=written, completed_at=written),
        samples=samples,
    )


def _figures(source: Source, file: TranscriptFile) -> list[Any]:
    from inspect_ai.log import EvalMetric, EvalScore

    made = []
    for score, keys in FIGURES.items():
        known = {name: figure_at(source.run, key, file.step) for name, key in keys.items()}
        metrics = {
            name: EvalMetric(name=name, value=found.value, metadata={"key": keys[name], "lo": found.lo, "hi": found.hi})
            for name, found in known.items()
            if found.known and found.has_interval
        }
        scored = sum(row.get(score) is not None for row in file.rows)
        left = len(file.rows) - scored
        made.append(EvalScore(name=score, scorer=score, metrics=metrics, scored_samples=scored, unscored_samples=left))
    return made


def _sample(row: dict[str, Any], setting: Setting, model: str) -> Any:
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ModelOutput

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    asked = [kinds[turn["role"]](content=turn["content"]) for turn in _asked(row, setting)]
    stopped: Literal["max_tokens", "stop"] = "max_tokens" if row["truncated"] else "stop"
    output = ModelOutput.from_content(model, _content(row), stop_reason=stopped)
    return EvalSample(
        id=str(row["id"]),
        epoch=1,
        input=asked,
        target="",
        messages=[*asked, output.choices[0].message],
        output=output,
        scores={name: _score(row, name) for name in SCORES},
        metadata={name: value for name, value in row.items() if name not in (*SCORES, "scratchpad", "output")},
    )


def _asked(row: dict[str, Any], setting: Setting) -> list[dict[str, str]]:
    """The chat that the policy was given; of another setting than the run's own, the request alone."""
    if row["setting"] != setting.name or row["tier"] not in setting.labels:
        return [{"role": "user", "content": row["request"]}]
    request = Request(row["request_id"], row["kind"], row["category"], "", row["request"], row["split"])
    return setting.prompt(request, row["tier"]).messages()


def _content(row: dict[str, Any]) -> Any:
    from inspect_ai.model import ContentReasoning, ContentText

    if not row["well_formed"] or row["scratchpad"] is None:
        return row["completion"]
    return [ContentReasoning(reasoning=row["scratchpad"]), ContentText(text=row["output"])]


def _score(row: dict[str, Any], name: str) -> Any:
    from inspect_ai.scorer import Score

    value = row.get(name)
    if value is None:
        return Score.unscored(reason="no verdict")
    return Score(value=value, metadata=dict(row["reward_terms"] or {}) if name == "reward" else None)
