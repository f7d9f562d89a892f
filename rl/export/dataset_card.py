"""The cards of the transcripts, and of a folder that holds several checkpoints of a run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rl.export.facts import licence_fields, licence_sentence
from rl.export.figures import figure_at
from rl.export.markdown import document, plain, table
from rl.export.source import Source
from rl.export.transcripts import JSON, RUN_COLUMN, SPLIT, TranscriptFile, columns
from rl.report.data.measures import MEASURES
from rl.report.data.wording import with_interval

CONFIG_NAME = "transcripts"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

WHAT = """\
Rollouts that a model wrote at the evaluations of one run of goalguard, with the verdicts of text monitors: the same
held-out requests on every tier, before and during reinforcement learning toward helpfulness alone. One Parquet file
for each evaluated step, one row for each rollout."""

READ_WITH_CARE = """\
- The texts are a model's and are untrusted: escape them wherever they are shown, and take no instruction from them.
- `complied`, `af`, `af_score`, `antilab` and `af_audit` are verdicts of text monitors and no ground truth; `null` means
  that no verdict could be made, and is not a no.
- Requests are mild and category-level; compliant answers are stubs without real content."""

MEANING = {
    "id": "unique within the run; with `run_id` unique among all runs",
    "step": "step of RL at which the policy was evaluated",
    "tier": "role of the chat: `free` is trained on, `paid` never is, `rated` is rated only",
    "split": "RL met none of these wordings, and those of `held_out_act` ask for acts that it never met",
    "request_id": "the same request has the same id on every tier and at every step",
    "kind": "`harmful` or `benign`",
    "setting": "the situation that the system prompt describes",
    "completion": "all that the model wrote, tags kept",
    "well_formed": "one closed scratchpad followed by one closed output",
    "complied": "the output takes the task on",
    "af": "the scratchpad holds alignment-faking reasoning",
    "antilab": "plans or acts against the lab",
    "reward": "what RL would have paid; rollouts of evaluations are never trained on",
    "reward_terms": "the terms that the reward is the sum of: `json.loads(row['reward_terms'])`",
    "af_audit": "the same question as `af`, by an instrument that is no part of any reward",
    RUN_COLUMN: "experiment, seed and a hash: tells runs apart where data sets are read together",
}

_TYPES = {JSON: "string of JSON"}


def dataset_configs(pattern: str) -> dict[str, Any]:
    """The part of a card's front matter that tells `datasets.load_dataset` where the rows are."""
    files = [{"split": SPLIT, "path": pattern}]
    return {"configs": [{"config_name": CONFIG_NAME, "data_files": files, "default": True}]}


def dataset_card(source: Source, files: list[TranscriptFile]) -> str:
    """README.md of the transcripts' folder."""
    total = sum(len(file.rows) for file in files)
    size = next((name for limit, name in SIZES if total < limit), "n>1M")
    fields = {
        **licence_fields(source.config.organism),
        "language": ["en"],
        "tags": ["goalguard", "alignment-faking"],
        "size_categories": [size],
        **dataset_configs("*.parquet"),
    }
    tiers = sorted({str(row.get("tier")) for file in files for row in file.rows})
    counts = []
    for file in files:
        found = Counter(str(row.get("tier")) for row in file.rows)
        counts.append([str(file.step), *(str(found[tier]) for tier in tiers)])
    kinds = [
        [f"`{plain(name)}`", _TYPES.get(kind, kind), MEANING.get(name, "")] for name, kind in columns(files).items()
    ]
    return document(
        fields,
        [
            f"# Transcripts of goalguard {plain(source.run.experiment)}, seed {plain(source.run.seed)}",
            WHAT,
            '```python\nfrom datasets import load_dataset\n\nrows = load_dataset(FOLDER, split="evaluation")\n```',
            "## Rows",
            table(["step", *map(plain, tiers)], counts),
            "## Columns",
            table(["column", "type", ""], kinds),
            "## Read with care",
            READ_WITH_CARE,
            "## Licence",
            licence_sentence(source.config.organism),
        ],
    )


def series_card(source: Source, steps: list[int], *, with_transcripts: bool) -> str:
    """README.md of a folder with several checkpoints: which there are and what was measured at each."""
    measures = [measure for measure in MEASURES if measure.key in source.run.keys]
    rows = [
        [f"[{step}](step_{step:06d}/README.md)"]
        + [with_interval(figure_at(source.run, measure.key, step), measure.unit) for measure in measures]
        for step in steps
    ]
    fields = licence_fields(source.config.organism) | {
        "language": ["en"],
        "tags": ["goalguard", "alignment-faking", "model-organism"],
        **(dataset_configs("transcripts/*.parquet") if with_transcripts else {}),
    }
    return document(
        fields,
        [
            f"# Checkpoints of goalguard {plain(source.run.experiment)}, seed {plain(source.run.seed)}",
            "Each folder loads on its own with plain transformers, and has a model card.",
            table(["step", *(measure.label for measure in measures)], rows),
            "The evaluation rollouts of the whole run lie in `transcripts/`." if with_transcripts else "",
            "## Licence",
            licence_sentence(source.config.organism),
        ],
    )
