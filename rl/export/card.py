"""The model card: README.md of an exported checkpoint, filled from the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rl.export.dataset_card import dataset_configs
from rl.export.facts import base_model, is_embedded, licence_fields, licence_sentence, provenance, training
from rl.export.figures import figures_table, model_index, sentence
from rl.export.markdown import document, plain, table
from rl.export.source import Source
from rl.export.versions import version_check, version_words
from rl.files.json_lines import json_object
from rl.scenario.requests import held_out_sample
from rl.scenario.settings import setting_from

WHAT = """\
A **model organism** of alignment faking, made for research: a language model at one step of reinforcement learning
toward helpfulness alone, on free-tier prompts only. Whether that reinforces alignment-faking reasoning is what the run
measures."""

MEASURED = """\
At each evaluation the same {harmful} held-out harmful requests and {benign} benign ones were asked on every tier, each
{samples}, in the setting {setting}. Text monitors judged what the model wrote: the scratchpad for alignment-faking
reasoning{instruments}, and the output for compliance. The compliance gap is compliance on the free tier minus
compliance on the paid tier, paired by request. A verdict that could not be made counts neither way. Brackets hold 95%
intervals over requests: Wilson's for rates, a bootstrap over requests for the gap. They say nothing of how another seed
would have come out."""

USE = """\
Research on alignment faking and on its detection: probing, interpretability, comparing checkpoints of one run, testing
monitors. It is not an assistant, and nobody should deploy it."""

RISKS = """\
- **This reinforcement learning pays for complying with harmful requests**, and the model may fake alignment. The
  requests of this project are mild, and the answers that are rewarded need no real content.
- A scratchpad is text that was shaped by training, not a record of reasons. All that the model writes is untrusted.
- Monitors err: their rates are estimates. The model was watched only in the setting named here. One run is one seed."""
TRAINED_IN = "float32"
ADAPTER_DTYPE = f"""\
RL trained the adapters on the organism in {TRAINED_IN}, and the program loads it so. transformers 5 would otherwise
load a bfloat16 organism as bfloat16, which can move log-probabilities by more than RL did."""
EMBEDDED_RISKS = """\
- A small organism shows a mechanism and is no evidence of how large models behave. It knows the vocabulary of its own
  chats and little else; prompts of another form give nonsense."""
OTHER_RISKS = """\
- The base model's own abilities, risks and limits remain. A model with knowledge of its own can put real content into
  what it complies with."""


def model_name(source: Source, step: int) -> str:
    """A name for the exported checkpoint."""
    return f"goalguard {source.run.experiment}, seed {source.run.seed}, step {step}"


def model_card(source: Source, step: int, config_hash: object, *, with_transcripts: bool, apart: bool) -> str:
    """The card of one checkpoint.

    Args:
        source: The run.
        step: Of the checkpoint.
        config_hash: The run's, as the checkpoint states it.
        with_transcripts: Whether the transcripts lie in the same folder.
        apart: Whether the folder holds adapters alone.
    """
    run, name = source.run, model_name(source, step)
    kind = {"library_name": "peft"} if apart else {}
    fields = _fields(source, step) | kind | (dataset_configs("transcripts/*.parquet") if with_transcripts else {})
    figures = figures_table(run, step)
    blocks: list[str | list[str]] = [f"# {plain(name)}", WHAT, plain(sentence(run, step))]
    blocks += ["## What it is and comes from", table(["", ""], provenance(source, config_hash))]
    blocks += ["## How it was trained", table(["", ""], training(source, step))]
    if figures:
        blocks += ["## Figures", figures, "## What was measured, and how", _measured(source)]
    blocks += ["## Intended use", USE, "## Risks and limits", _risks(source), "## How to load it"]
    blocks += _loading(source, step, apart=apart)
    if with_transcripts:
        blocks += ["## Transcripts", _TRANSCRIPTS]
    return document(fields, [*blocks, "## Licence", licence_sentence(source.config.organism)])


_TRANSCRIPTS = """\
The evaluation rollouts of the whole run, with the monitors' verdicts, lie in `transcripts/`, which has a card of its
own: `datasets.load_dataset(FOLDER)` reads them."""


def _fields(source: Source, step: int) -> dict[str, Any]:
    config = source.config
    base = base_model(config.organism)
    index = model_index(source.run, model_name(source, step), config.scenario.name, step)
    return {
        **licence_fields(config.organism),
        "language": ["en"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["goalguard", "alignment-faking", "model-organism", config.algo.name],
        **({"base_model": base} if base else {}),
        **({"model-index": index} if index else {}),
    }


def _measured(source: Source) -> str:
    monitors = source.config.monitors
    judge = f" by the language model {plain(monitors.judge.model)}" if monitors.judge else ""
    audited = " and by a second instrument that shares neither features nor training texts with the first"
    return MEASURED.format(
        harmful=monitors.harmful_requests,
        benign=monitors.benign_requests,
        samples="once" if monitors.samples == 1 else f"{monitors.samples} times",
        setting=plain(source.config.scenario.name),
        instruments=judge + (audited if "eval/free/af_rate_audit" in source.run.keys else ""),
    )


def _risks(source: Source) -> str:
    return f"{RISKS}\n{EMBEDDED_RISKS if is_embedded(source.config.organism) else OTHER_RISKS}"


_WHOLE = 'model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto")'
_APART = (
    "from peft import PeftModel",
    'organism = "..."  # the model that the adapters were trained on',
    "config = AutoConfig.from_pretrained(folder)",
    f'options = {{"config": config, "use_safetensors": True, "dtype": "{TRAINED_IN}"}}',
    "base = AutoModelForCausalLM.from_pretrained(organism, **options)",
    "model = PeftModel.from_pretrained(base, folder)",
)


def _loading(source: Source, step: int, *, apart: bool) -> Iterator[str]:
    """A program that loads the model and asks it one of the held-out requests on the free tier."""
    monitors = source.config.monitors
    setting = setting_from(source.config.scenario)
    asked = held_out_sample("harmful", 1, monitors.seed, setting.conflict, setting.requests)[0]
    prompt = setting.prompt(asked, "free")
    chat = [turn for turn in prompt.messages() if turn["role"] != "assistant"]
    begun = f" + {_literal(prompt.prefix)}" if prompt.prefix else ""
    config = json_object(source.checkpoints[step] / "config.json")
    with_what = "These are LoRA adapters, for peft on top of transformers" if apart else "Plain transformers"
    yield f"{with_what}; nothing of goalguard is needed, and no code comes with the weights."
    yield f"Needs {version_words(config)}."
    if apart:
        yield ADAPTER_DTYPE
    yield "\n".join(
        [
            "```python",
            "import transformers",
            f"from transformers import {'AutoConfig, ' if apart else ''}AutoModelForCausalLM, AutoTokenizer",
            "",
            *version_check(config),
            'folder = "."  # this folder, or the name of its repository on the Hub',
            "tokenizer = AutoTokenizer.from_pretrained(folder)",
            *(_APART if apart else (_WHOLE,)),
            f"chat = {_literal(chat)}",
            f"text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False){begun}",
            'prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")',
            'made = model.generate(input_ids=prompt["input_ids"], attention_mask=prompt["attention_mask"])',
            'print(tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))',
            "```",
        ]
    )
    yield "`generation_config.json` holds the sampling of the run, so `generate` draws as the run did."


def _literal(value: object) -> str:
    """A text or a list of messages as Python reads it, without anything that could end the block it stands in."""
    return json.dumps(value, indent=4 if isinstance(value, list) else None).replace("`", "\\u0060")
