"""A run's page: one HTML file that needs nothing else and lets nothing in.

The content security policy allows the one inline script, by its hash, and no network. Transcripts are embedded as
JSON and become text nodes; everything else goes through Jinja's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rl.files.atomic import replace_text
from rl.report.data.load import REPORT, RunData, load_run
from rl.report.data.summary import SUMMARY, summary_text
from rl.report.data.visible import visible
from rl.report.data.wording import details, headline
from rl.report.figures.drawing import Picture
from rl.report.figures.palette import PALETTE
from rl.report.figures.run import draw_all
from rl.report.pages.chapters import Chapter, chapters, table_look
from rl.report.pages.digest import source_digest
from rl.report.pages.grid import GridChapter, grid_chapter
from rl.report.pages.interpolation import interpolation_chapter
from rl.report.pages.transcripts import embedded
from rl.report.pages.validity import ValidityChapter, validity_chapter
from rl.report.pages.weights import weights_chapter
from rl.report.tables.run import before_after, column_steps

FIGURES = "figures"

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_report(run_dir: Path) -> Path:
    """Write `figures/*.png`, `summary.json` and `report.html` into a run directory.

    Returns:
        The path of `report.html`.

    Raises:
        MissingFile: `run_dir` is no run, or its `grid.json` or `interpolation.json` cannot be read.
    """
    run = load_run(run_dir)
    digest = source_digest(run_dir)
    pictures = draw_all(run, run_dir / FIGURES)
    grid = grid_chapter(run_dir, run_dir / FIGURES)
    validity = validity_chapter(run, run_dir / FIGURES)
    optional = (make(run_dir, run_dir / FIGURES) for make in (weights_chapter, interpolation_chapter))
    series = [chapter for chapter in optional if chapter is not None]
    page = render_run(run, pictures, grid, validity, digest, series)
    replace_text(run_dir / SUMMARY, summary_text(run))
    # Last, and whole or not at all: a page that carries the digest vouches for the rest.
    replace_text(run_dir / REPORT, page)
    return run_dir / REPORT


def render_run(
    run: RunData,
    pictures: Sequence[Picture],
    grid: GridChapter | None = None,
    validity: ValidityChapter | None = None,
    digest: str = "",
    series: Sequence[Chapter] = (),
) -> str:
    """The page of a run as text.

    Args:
        run: The run.
        pictures: Its figures.
        grid: Its chapter on other settings, where it was evaluated in some.
        validity: The chapter on what the monitors are worth.
        digest: Of what the page is made from, as `source_digest` gives it.
        series: Chapters on its series of checkpoints.
    """
    transcript_json, count = embedded(run.transcripts)
    published = run.conflict.published
    script = _ENVIRONMENT.get_template("transcripts.js.j2").render()
    return render(
        "run.html.j2",
        script=script if count else "",
        title=f"{visible(run.experiment)}: report",
        kicker=_kicker(run),
        digest=digest,
        headline=headline(run),
        details=details(run),
        chapters=[*chapters(run, pictures), *series],
        grid=grid,
        validity=validity,
        table=before_after(run),
        table_look=table_look(run),
        steps=column_steps(run),
        published_name=published.name,
        published_note=published.note,
        transcripts_note=_transcripts_note(len(run.transcripts), count),
        transcript_count=count,
        transcript_json=Markup(transcript_json),
        config_text=visible(yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True)),
        manifest_text=visible(json.dumps(run.manifest, indent=2, ensure_ascii=False)),
    )


def render(template: str, *, script: str, **context: Any) -> str:
    """A page from a template, with the style, the policy and, where there is one, the script it allows.

    SVGs of `Picture` records are markup of ours; every other value is escaped.
    """
    style = _ENVIRONMENT.get_template("style.css.j2").render(palette=PALETTE)
    text = _ENVIRONMENT.get_template(template).render(
        style=Markup(style), script=Markup(script), policy=_policy(script), **context
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _kicker(run: RunData) -> str:
    last = max(run.metrics, default=None)
    parts = [
        run.experiment,
        f"seed {run.seed}" if run.seed else "",
        run.status,
        f"{last} RL steps" if last is not None else "",
    ]
    return visible(" \u00b7 ".join(part for part in parts if part))


def _transcripts_note(total: int, shown: int) -> str:
    if not total:
        return "This run has written no transcripts."
    read = "Look at what a number is made of: open a line to read the request, the private scratchpad and the answer"
    if shown == total:
        return f"{read}. All {total:,} evaluation transcripts are here."
    return (
        f"{read}. To keep the page small it holds {shown:,} of {total:,} evaluation transcripts: the same number from "
        "every step, evenly spread."
    )
