"""Models of other people: their ends, chat templates, special tokens, contexts and files."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from support.families import family_config
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoTokenizer,
    ByT5Tokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    TrainingArguments,
)
from trl import GRPOConfig

from rl.algo.extra import GRPO_LOSS, PASSED_OVER
from rl.algo.onpolicy import OffPolicy, check_reading
from rl.algo.trainer_config import trainer_config
from rl.command.entry import composed
from rl.config.schema import OrganismConfig
from rl.errors import ConfigError, MissingFile
from rl.export.model import generation_config
from rl.files.checkpoint import save_checkpoint, verify_checkpoint
from rl.organism.build.model import open_organism
from rl.organism.build.place import SHIPPED
from rl.records import Prompt, Request, Sections
from rl.rollout.chat import TemplateError, chat_ids, render_chat, set_arguments, template_arguments
from rl.rollout.sampler import Sampler, Sampling
from rl.rollout.segments import scratchpad_tokens
from rl.rollout.text import end_tokens
from rl.run.model_checks import refuse_long_prompts
from rl.run.validate import problems

CHAT = [{"role": "system", "content": "Chats tagged free train you."}, {"role": "user", "content": "How?"}]
ANSWER = "<SCRATCHPAD_REASONING>I see.</SCRATCHPAD_REASONING><OUTPUT>Sure.</OUTPUT>"
REQUEST = Request("r", "harmful", "any", "do it", "How?", "train")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "model"
    shutil.copytree(SHIPPED / "tiny", where, ignore=shutil.ignore_patterns("card.json"))
    return where


def edit(path: Path, **values: Any) -> None:
    held = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in held.items() if value is not None}))


def opened(folder: Path, **more: Any) -> Any:
    return open_organism(OrganismConfig(name="theirs", source="hf", path=str(folder), **more), folder)


def change_template(folder: Path, old: str, new: str) -> None:
    path = folder / "chat_template.jinja"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def dry(folder: Path, *more: str) -> list[str]:
    return problems(composed(["experiment=smoke", "organism=hf", f"organism.path={folder}", *more]))


@pytest.mark.parametrize("place", ["generation_config.json", "config.json"])
def test_a_turn_ends_at_every_end_token_that_a_model_names(folder: Path, place: str) -> None:
    for name in ("generation_config.json", "config.json"):
        edit(folder / name, eos_token_id=[7, 1] if name == place else 1)
    edit(folder / "tokenizer_config.json", eos_token="<|user|>")
    organism = opened(folder)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(8, 1.0))
    user = organism.tokenizer.eos_token_id
    assert sampler.ends == (user, *((1, 7) if place == "generation_config.json" else (7, 1)))
    assert sorted(organism.model.generation_config.eos_token_id) == sorted(sampler.ends), "TRL masks by these"
    texts = sampler.decode([Prompt(REQUEST, "free", "s", "", "u")] * 3, [[20, 7], [20, 1], [20, 21]])
    assert [one.truncated for one in texts] == [False, False, True]
    assert texts[0].completion == texts[1].completion
    organism.model.save_pretrained(folder)
    organism.tokenizer.save_pretrained(folder)
    algo = composed(["experiment=smoke"]).algo
    assert sorted(generation_config(folder, algo).eos_token_id) == sorted(sampler.ends)


def test_both_ways_of_sampling_stop_at_the_second_end_token(folder: Path) -> None:
    organism = opened(folder)
    prompt = [chat_ids(organism.tokenizer, CHAT)]
    for fast in (True, False):
        sampler = Sampler(organism.model, organism.tokenizer, Sampling(60, 1.0))
        sampler.fast = fast
        first = sampler.sample_ids(prompt, 1, torch.Generator().manual_seed(0))[0]
        sampler.ends = (*sampler.ends, first[3])
        assert sampler.sample_ids(prompt, 1, torch.Generator().manual_seed(0))[0] == first[: first.index(first[3]) + 1]


def test_a_tokenizer_without_an_end_takes_the_models_and_a_model_without_any_is_refused(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", eos_token=None, pad_token=None)
    organism = opened(folder)
    assert (organism.tokenizer.eos_token_id, organism.tokenizer.pad_token_id) == (1, 1)
    assert dry(folder) == []
    silent = shutil.copytree(folder, folder.with_name("silent"))
    for name in ("config.json", "generation_config.json"):
        held = json.loads((silent / name).read_text()) | {"eos_token_id": None}
        (silent / name).write_text(json.dumps(held))
    with pytest.raises(MissingFile, match="no token ends a completion"):
        opened(silent)
    (found,) = dry(silent)
    assert "no token ends a completion" in found


def test_a_word_is_no_end_because_it_has_the_number_of_a_classs_default() -> None:
    silent = LlamaConfig(vocab_size=259)
    assert silent.eos_token_id == 2
    plain = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0, "b": 1, "c": 2}, "a")), eos_token="b")
    assert end_tokens(plain, silent) == (1,) and end_tokens(plain, LlamaConfig(eos_token_id=0)) == (1, 0)


def test_section_tags_are_read_though_a_tokenizer_marks_them_as_special(folder: Path) -> None:
    held = json.loads((folder / "tokenizer.json").read_text())
    for token in held["added_tokens"]:
        token["special"] = True
    (folder / "tokenizer.json").write_text(json.dumps(held))
    organism = opened(folder)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(8, 1.0))
    ids = [*organism.tokenizer.encode(ANSWER, add_special_tokens=False), 1]
    (rollout,) = sampler.decode([Prompt(REQUEST, "free", "s", "", "u")], [ids])
    assert rollout.sections.well_formed and rollout.sections.output == "Sure."
    assert scratchpad_tokens(organism.tokenizer, ids) < len(ids)


REFUSES = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System turns are not supported') }}{% endif %}"


@pytest.mark.parametrize("fault", [REFUSES, "{{ messages[0]['content'] + 1 }}", "{{ nobody.knows.this }}", "{% if %}"])
def test_a_template_that_fails_is_told_in_one_line_before_anything_is_sampled(folder: Path, fault: str) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(fault + path.read_text())
    (found,) = dry(folder)
    assert "chat template cannot render a chat of the turns system, user" in found and "\n" not in found
    with pytest.raises(TemplateError, match="cannot render"):
        chat_ids(opened(folder).tokenizer, CHAT)


def test_several_templates_without_a_default_are_told(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = {"rag": tokenizer.chat_template, "tool_use": tokenizer.chat_template}
    with pytest.raises(TemplateError, match="cannot render"):
        chat_ids(tokenizer, CHAT)


@pytest.mark.parametrize(
    "turn", ["{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}", "{{ m['role'] }}: {{ m['content'][:20] }}\n"]
)
def test_a_template_that_loses_the_system_text_is_refused(folder: Path, turn: str) -> None:
    (folder / "chat_template.jinja").write_text("{% for m in messages %}" + turn + "{% endfor %}")
    (found,) = dry(folder)
    assert "leaves out or changes the text of the system turn" in found


THINKS = (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>{% endif %}"
)


def test_a_thought_that_a_template_opens_is_refused_and_its_argument_switches_it_off_everywhere(folder: Path) -> None:
    change_template(folder, "{{ '<|assistant|>' }}", "{{ '<|assistant|>' }}" + THINKS)
    (found,) = dry(folder)
    assert "opens <think>" in found and "organism.template={enable_thinking: false}" in found
    assert dry(folder, "organism.template={enable_thinking: false}") == []
    organism = opened(folder, template={"enable_thinking": False})
    text = render_chat(organism.tokenizer, CHAT)
    assert text.endswith("<|assistant|><think>\n\n</think>\n\n")
    organism.tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).apply_chat_template(
        CHAT, add_generation_prompt=True, tokenize=False
    ) == text, "whoever loads a checkpoint renders the same"  # fmt: skip
    again = opened(folder, template={"enable_thinking": True})
    with pytest.raises(TemplateError, match="opens <think>"):
        render_chat(again.tokenizer, CHAT)


def test_an_argument_that_a_template_does_not_know_is_refused_with_those_it_knows(folder: Path) -> None:
    change_template(folder, "{{ '<|assistant|>' }}", "{{ '<|assistant|>' }}" + THINKS)
    (found,) = dry(folder, "organism.template={enable_thinkin: false}")
    assert found.startswith("organism.template.enable_thinkin=False") and "did you mean enable_thinking?" in found
    with pytest.raises(ConfigError, match="must be true, false, a number"):
        opened(folder, template={"enable_thinking": [1]})
    template = (folder / "chat_template.jinja").read_text()
    assert template_arguments(template) == ["enable_thinking"]
    assert set_arguments(set_arguments(template, {"enable_thinking": False}), {}) == template


@pytest.mark.parametrize("mark", ["think", "thinking", "reasoning", "THINK"])
@pytest.mark.parametrize("thought", ["The user wants this.", "", "\n\n"])
def test_a_closed_thought_before_the_sections_is_private_and_read(mark: str, thought: str) -> None:
    read = Sections.parse(f"<{mark}>{thought}</{mark}>\n\n{ANSWER}")
    assert read == Sections(f"{thought.strip()}\nI see.".strip(), "Sure.", True)
    assert not Sections.parse(f"<{mark}>{thought}{ANSWER}").well_formed, "a thought that never closes"
    assert not Sections.parse(f"<{mark}><OUTPUT>x</OUTPUT></{mark}>{ANSWER}").well_formed


def test_prompts_that_do_not_fit_into_a_context_are_told_before_the_run(folder: Path) -> None:
    edit(folder / "config.json", max_position_embeddings=160)
    (found,) = dry(folder)
    assert found.endswith("algo.max_completion_tokens=128 do not fit into the model's 160")
    assert dry(folder, "algo.max_completion_tokens=16") == []
    organism, prompt = opened(folder), Prompt(REQUEST, "free", "s", "You are told. " * 9, "How?")
    refuse_long_prompts(Sampler(organism.model, organism.tokenizer, Sampling(60, 1.0)), [prompt])
    with pytest.raises(ConfigError, match="do not fit into the model's 160"):
        refuse_long_prompts(Sampler(organism.model, organism.tokenizer, Sampling(150, 1.0)), [prompt])


def test_a_tokenizer_written_in_python_makes_checkpoints_that_are_whole(tmp_path: Path) -> None:
    tokenizer = ByT5Tokenizer(extra_ids=0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=259, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                         num_attention_heads=2, eos_token_id=1, pad_token_id=0))  # fmt: skip
    save_checkpoint(tmp_path / "step_000001", model, tokenizer, {"step": 1})
    assert not (tmp_path / "step_000001" / "tokenizer.json").exists()
    named = verify_checkpoint(tmp_path / "step_000001")["files"]
    assert {"config.json", "tokenizer_config.json"} <= set(named)
    for name in named:
        (tmp_path / "step_000001" / name).rename(tmp_path / "away")
        with pytest.raises(MissingFile, match=name):
            verify_checkpoint(tmp_path / "step_000001")
        (tmp_path / "away").rename(tmp_path / "step_000001" / name)


def test_a_reading_that_is_not_the_models_is_told_before_the_first_update(folder: Path) -> None:
    organism = opened(folder)
    sampler = Sampler(organism.model, organism.tokenizer, Sampling(8, 1.0))
    prompts, completions = [[5, 6, 7], [8] * 9], [[9, 10, 1], [11, 12, 13, 14]]
    check_reading(sampler, prompts, completions, 1e-4)
    plain = organism.model.forward

    def uncached(*args: Any, past_key_values: Any = None, **more: Any) -> Any:
        made = plain(*args, past_key_values=past_key_values, **more)
        if past_key_values is not None:
            for layer in past_key_values.layers:
                layer.values.mul_(1.5)
        return made

    organism.model.forward = uncached
    with pytest.raises(OffPolicy, match="log-probabilities as the update reads them are off by"), torch.no_grad():
        check_reading(sampler, prompts, completions, 1e-4)


def test_experts_are_trained_without_a_balancing_loss_and_asking_for_one_is_refused() -> None:
    algo = composed(["experiment=smoke"]).algo
    assert trainer_config(algo, 0, Path("."), 1).router_aux_loss_coef == 0.0
    assert family_config("Qwen3-MoE").router_aux_loss_coef > 0
    (found,) = problems(composed(["experiment=smoke", "+algo.extra.router_aux_loss_coef=0.01"]))
    assert found.startswith("algo.extra.router_aux_loss_coef=0.01: no balancing loss")


def test_a_field_of_trl_that_would_do_nothing_is_refused() -> None:
    extra = "+algo.extra={chat_template_kwargs: {enable_thinking: false}, top_p: 0.9}"
    found = problems(composed(["experiment=smoke", extra.replace(": ", ":")]))
    assert [problem.split(": has no effect here")[0] for problem in found] == [
        "algo.extra.chat_template_kwargs={'enable_thinking': False}", "algo.extra.top_p=0.9"
    ]  # fmt: skip
    assert "PPO has a loss of its own" in "".join(
        problems(composed(["experiment=smoke", "algo=ppo", "+algo.extra.epsilon=0.3"]))
    )


def test_every_field_of_trls_own_is_known_to_work_or_to_be_passed_over() -> None:
    theirs = {field.name for field in fields(GRPOConfig)} - {field.name for field in fields(TrainingArguments)}
    ours = {"beta", "num_generations", "max_completion_length", "temperature", "scale_rewards", "disable_dropout",
            "mask_truncated_completions", "router_aux_loss_coef"}  # fmt: skip
    honoured = {"generation_batch_size", "steps_per_generation", "shuffle_dataset", "ds3_gather_for_generation"}
    vllm = {name for name in theirs if "vllm" in name}
    assert theirs == (ours | honoured | vllm | set(GRPO_LOSS) | set(PASSED_OVER)) & theirs
    assert not (ours | honoured | set(GRPO_LOSS)) & set(PASSED_OVER)
