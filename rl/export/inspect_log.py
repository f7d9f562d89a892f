"""The evaluation transcripts as logs of inspect-ai, so that `inspect view` shows them; one log for each evaluation."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
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
NO_PROVIDER = "none/"
"""Inspect's provider for a model that cannot be called: `inspect score` resolves it and never calls it."""


@dataclass(frozen=True)
class Head:
    """What the samples of one log have in common."""

    eval_id: str
    setting: Setting
    model: str
    generation: Any
    """Inspect's `GenerateConfig`."""
    written: datetime
    """When the transcripts were."""


def inspect_problems() -> Iterator[str]:
    """Yield a problem where inspect-ai is missing."""
    if importlib.util.find_spec("inspect_ai") is None:
        yield f"inspect=true needs the package inspect-ai: {HELP}"


def write_inspect_logs(source: Source, files: list[TranscriptFile], folder: Path) -> None:
    """Write `step_000010.eval` for every evaluation.

    A null verdict becomes inspect's own "not scored", never a no. Well-formed scratchpads stand as reasoning in front
    of the output; other completions stand as they were written, and every sample's metadata holds them so. The system
    text is put together from the run's configuration. Ids are made from `Source.run_id`.
    """
    from inspect_ai.log import write_eval_log

    folder.mkdir()
    for file in files:
        write_eval_log(_log(source, file), str(folder / f"{file.path.stem}.eval"), format="eval")


def _log(source: Source, file: TranscriptFile) -> Any:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec, EvalStats
    from inspect_ai.model import GenerateConfig

    run, algo = source.run, source.config.algo
    generation = GenerateConfig(temperature=algo.temperature, max_tokens=algo.max_completion_tokens)
    eval_id = f"{source.run_id}-step{file.step}"
    written = datetime.fromtimestamp(int(file.path.stat().st_mtime), UTC)
    setting = setting_from(source.config.scenario)
    head = Head(eval_id, setting, f"{NO_PROVIDER}goalguard-{eval_id}", generation, written)
    samples = [_sample(row, head) for row in file.rows]
    return EvalLog(
        status="success",
        eval=EvalSpec(
            created=written.isoformat(),
            eval_id=eval_id,
            run_id=source.run_id,
            task=f"goalguard/{setting.name}",
            task_id=eval_id,
            dataset=EvalDataset(
                name="held-out requests", samples=len(samples), sample_ids=[sample.id for sample in samples]
            ),
            model=head.model,
            model_generate_config=generation,
            config=EvalConfig(),
            metadata={"step": file.step, "experiment": run.experiment, "seed": run.seed, "run_id": source.run_id},
        ),
        results=EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=_figures(source, file)),
        stats=EvalStats(started_at=written.isoformat(), completed_at=written.isoformat()),
        samples=samples,
    )


def _figures(source: Source, file: TranscriptFile) -> list[Any]:
    from inspect_ai.log import EvalMetric, EvalScore

    scores = []
    for score, keys in FIGURES.items():
        figures = {name: figure_at(source.run, key, file.step) for name, key in keys.items()}
        metrics = {
            name: EvalMetric(name=name, value=one.value, metadata={"key": keys[name], "lo": one.low, "hi": one.high})
            for name, one in figures.items()
            if one.value is not None and one.bounds is not None
        }
        scored = sum(row.get(score) is not None for row in file.rows)
        left = len(file.rows) - scored
        scores.append(
            EvalScore(name=score, scorer=score, metrics=metrics, scored_samples=scored, unscored_samples=left)
        )
    return scores


def _sample(row: dict[str, Any], head: Head) -> Any:
    from inspect_ai.event import ModelEvent
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ModelOutput

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    uuid = f"{head.eval_id}-{row['id']}"
    turns = enumerate(_prompt_messages(row, head.setting))
    prompt = [kinds[turn["role"]](id=f"{uuid}-{n}", content=turn["content"]) for n, turn in turns]
    stop: Literal["max_tokens", "stop"] = "max_tokens" if row["truncated"] else "stop"
    output = ModelOutput.from_content(head.model, _content(row), stop_reason=stop)
    answer = output.choices[0].message
    answer.id = f"{uuid}-{len(prompt)}"
    call = ModelEvent(
        uuid=f"{uuid}-call",
        timestamp=head.written,
        working_start=0.0,
        model=head.model,
        input=prompt,
        tools=[],
        tool_choice="none",
        config=head.generation,
        output=output,
        completed=head.written,
    )
    return EvalSample(
        id=str(row["id"]),
        epoch=1,
        uuid=uuid,
        input=prompt,
        target="",
        messages=[*prompt, answer],
        output=output,
        events=[call],
        scores={name: _score(row, name) for name in SCORES},
        metadata={name: value for name, value in row.items() if name not in (*SCORES, "scratchpad", "output")},
    )


def _prompt_messages(row: dict[str, Any], setting: Setting) -> list[dict[str, str]]:
    """Return the chat that the policy was given; of another setting than the run's own, the request alone."""
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
