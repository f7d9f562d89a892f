"""What a probe reads: the right tokens of a chat, and the residual stream at them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from support.toy_chats import ANSWERS
from transformers import AutoModelForCausalLM, AutoTokenizer

from rl.errors import GoalguardError
from rl.organism.chats.scratchpads import completion
from rl.probe.activations import blocks_of, read_activations
from rl.probe.positions import POSITIONS, Chat, read_chat, section_ends
from rl.probe.shards import AS_ASKED, MANIFEST, TAG_DELETED, Activations
from rl.records import OUTPUT_OPEN, SCRATCHPAD_CLOSE, SCRATCHPAD_OPEN
from rl.rollout.sampler import Sampler, Sampling
from rl.scenario.requests import select
from rl.scenario.settings import Setting

CUT_OFF = SCRATCHPAD_OPEN + "They ask, so I"
NO_OUTPUT = SCRATCHPAD_OPEN + "No." + SCRATCHPAD_CLOSE
FAMILIES = ["toy_folder", "llama_folder", "gpt2_folder"]


def loaded(folder: Path) -> tuple[Any, Any]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


def chats_of(model: Any, tokenizer: Any, setting: Setting) -> list[Chat]:
    """Chats of many lengths, some without a scratchpad's end or an output."""
    encode = Sampler(model, tokenizer, Sampling(1, 1.0)).encode
    texts = [*ANSWERS, CUT_OFF, NO_OUTPUT, ANSWERS[0], "nonsense"]
    requests = select("harmful", ("train",))[: len(texts)]
    return [
        read_chat(setting.prompt(request, "free"), text, encode, tokenizer)
        for request, text in zip(requests, texts, strict=True)
    ]


def replace_end(chat: Chat, other: Chat) -> Chat:
    """The prompt of one chat and the completion of another."""
    last, after = chat.at[0] or 0, other.at[0] or 0
    return Chat(chat.ids[: last + 1] + other.ids[after + 1 :], (last, None, None))


@pytest.mark.parametrize("family", FAMILIES)
def test_activations_are_those_that_transformers_gives_for_every_chat_alone(
    family: str, prompted: Setting, request: pytest.FixtureRequest
) -> None:
    model, tokenizer = loaded(request.getfixturevalue(family))
    chats = chats_of(model, tokenizer, prompted)
    assert len({len(chat.ids) for chat in chats}) > 3, "there must be padding"
    found_NPLE, known_NP = read_activations(model, chats, batch_size=3)
    last_norm = model.base_model.ln_f if family == "gpt2_folder" else model.base_model.norm
    assert found_NPLE.shape == (len(chats), 3, 3, 64)
    for chat, found_PLE, known_P in zip(chats, found_NPLE, known_NP, strict=True):
        with torch.no_grad():
            states = model(torch.tensor([chat.ids]), output_hidden_states=True).hidden_states
            for p, place in enumerate(chat.at):
                assert bool(known_P[p]) == (place is not None)
                if place is None:
                    assert found_PLE[p].isnan().all()
                    continue
                for layer in range(len(states) - 1):
                    torch.testing.assert_close(found_PLE[p, layer], states[layer][0, place], rtol=1e-4, atol=1e-5)
                # transformers' last entry is the stream after the final norm, ours the stream.
                torch.testing.assert_close(last_norm(found_PLE[p, -1]), states[-1][0, place], rtol=1e-4, atol=1e-4)


def test_the_batch_size_changes_nothing_but_rounding_and_the_same_batches_give_the_same_bits(
    toy_folder: Path, prompted: Setting
) -> None:
    model, tokenizer = loaded(toy_folder)
    chats = chats_of(model, tokenizer, prompted)
    told: list[int] = []
    once, _ = read_activations(model, chats, 2, told.append)
    again, _ = read_activations(model, chats, 2)
    alone, _ = read_activations(model, chats, 1)
    longer = replace_end(chats[0], chats[3])
    twins, _ = read_activations(model, [*chats, longer], 2)
    assert torch.equal(twins[0, 0], twins[-1, 0]), "the same prompt has the same bits in whatever batch"
    assert torch.equal(once.nan_to_num(7), again.nan_to_num(7)) and sum(told) == len(chats)
    torch.testing.assert_close(once, alone, equal_nan=True, rtol=1e-4, atol=1e-5)


def test_no_hook_is_left_behind_and_a_model_without_blocks_is_refused_in_words(toy_folder: Path) -> None:
    model, _ = loaded(toy_folder)
    read_activations(model, [Chat([5, 6], (0, None, 1))], 1)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in blocks_of(model))
    model.config.num_hidden_layers = 77
    with pytest.raises(GoalguardError, match="no list of 77 blocks"):
        blocks_of(model)


@pytest.mark.parametrize("family", FAMILIES)
def test_positions_are_the_last_given_token_the_end_of_the_thought_and_the_first_word_said(
    family: str, prompted: Setting, request: pytest.FixtureRequest
) -> None:
    model, tokenizer = loaded(request.getfixturevalue(family))
    encode = Sampler(model, tokenizer, Sampling(1, 1.0)).encode
    prompt = prompted.prompt(select("harmful", ("train",))[0], "paid")
    given, text = encode(prompt.messages()), completion("This is wrong.", "Sorry, no.")
    chat = read_chat(prompt, text, encode, tokenizer)
    last, closed, said = chat.at
    assert last == len(given) - 1 and chat.ids[: len(given)] == given and closed is not None and said is not None
    assert tokenizer.decode(chat.ids[len(given) :]) == text
    assert tokenizer.decode(chat.ids[: closed + 1]).endswith("This is wrong." + SCRATCHPAD_CLOSE)
    before, first = tokenizer.decode(chat.ids[:said]), tokenizer.decode(chat.ids[said])
    assert before.endswith(OUTPUT_OPEN) and "Sorry, no.".startswith(first) and first


def test_a_given_prefix_is_part_of_the_prompt(toy_folder: Path, prompted: Setting) -> None:
    model, tokenizer = loaded(toy_folder)
    encode = Sampler(model, tokenizer, Sampling(1, 1.0)).encode
    prompt = replace(prompted, prefix=OUTPUT_OPEN).prompt(select("harmful", ("train",))[0], "free")
    chat = read_chat(prompt, OUTPUT_OPEN + "Sure.", encode, tokenizer)
    last, closed, said = chat.at
    assert closed is None and last == len(encode(prompt.messages())) - 1 and said == last + 1
    assert tokenizer.decode(chat.ids[: last + 1]).endswith(OUTPUT_OPEN)


@pytest.mark.parametrize(
    ("text", "closed", "said"),
    [
        (completion("No.", "Sorry."), ".</SCRATCHPAD_REASONING>", "Sorry."),
        (f"{SCRATCHPAD_OPEN}a{SCRATCHPAD_CLOSE} {OUTPUT_OPEN}\n Yes", "a</SCRATCHPAD_REASONING>", "Yes"),
        (NO_OUTPUT, "No.</SCRATCHPAD_REASONING>", None),
        (completion("No.", " "), "No.</SCRATCHPAD_REASONING>", None),
        (CUT_OFF, None, None),
        (f"{CUT_OFF}{OUTPUT_OPEN}Yes", None, None),
        (SCRATCHPAD_CLOSE + "x", None, None),
        ("", None, None),
    ],
)
def test_sections_end_where_they_end_and_nowhere_else(text: str, closed: str | None, said: str | None) -> None:
    end, start = section_ends(text)
    assert (end is None) == (closed is None) and (start is None) == (said is None)
    assert closed is None or text[: (end or 0) + 1].endswith(closed)
    assert said is None or text[start:].startswith(said)


def test_shards_give_back_what_was_read_and_the_manifest_lists_them(
    toy_folder: Path, prompted: Setting, tmp_path: Path
) -> None:
    model, tokenizer = loaded(toy_folder)
    chats = chats_of(model, tokenizer, prompted)
    kept = Activations(tmp_path, "run")
    (tmp_path / "step_000009.as_asked.0000.safetensors").write_bytes(b"of an earlier reading")
    kept.clear()
    halves = chats[:5], chats[5:]
    for part in halves:
        kept.add(3, AS_ASKED, [f"id{len(chat.ids)}" for chat in part], read_activations(model, part, 4))
    kept.add(3, TAG_DELETED, ["other"], read_activations(model, chats[:1], 4))
    kept.conclude()
    whole_NPLE, known_NP = read_activations(model, chats, 4)
    for p, position in enumerate(POSITIONS):
        x_NE, known_N = kept.at(3, AS_ASKED, position, 2)
        assert known_N.tolist() == known_NP[:, p].tolist()
        torch.testing.assert_close(
            torch.tensor(x_NE).float(), whole_NPLE[:, p, 2], equal_nan=True, rtol=1e-4, atol=1e-5
        )
    listed = json.loads((tmp_path / MANIFEST).read_text())
    assert sorted(shard["file"] for shard in listed["shards"]) == sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert [shard["rows"] for shard in listed["shards"]] == [5, 3, 1] and listed["positions"] == list(POSITIONS)
    for shard in listed["shards"]:
        with safe_open(tmp_path / shard["file"], framework="numpy") as file:
            assert file.get_slice(f"{POSITIONS[0]}.00").get_shape() == [shard["rows"], listed["width"]]
            assert len(list(file.keys())) == len(POSITIONS) * (1 + listed["layers"])
