"""Rollouts: sampling completions, the same for training and for evaluation.

Two paths give the same distribution: `LlamaDecoder`, a loop over preallocated keys and values in which all samples of
a prompt share its prefix, and Hugging Face `generate` for every other architecture, which is also the reference that
the loop is tested against.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rl.records import Prompt, Rollout
from rl.rollout.chat import chat_ids, prefix_ids
from rl.rollout.decoder import LlamaDecoder
from rl.rollout.text import decode_text, ends_of


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn."""

    max_tokens: int
    temperature: float


class Sampler:
    """Draws completions from a policy.

    Args:
        model: A causal language model; its current weights are read at every call.
        tokenizer: With a chat template.
        sampling: Limits and temperature.
    """

    def __init__(self, model: Any, tokenizer: Any, sampling: Sampling) -> None:
        self.model, self.tokenizer, self.sampling = model, tokenizer, sampling
        self.ends = ends_of(model, tokenizer)
        self.fast = LlamaDecoder.supports(model.config)
        self._encoded: dict[str, list[int]] = {}

    def encode(self, messages: list[dict[str, str]]) -> list[int]:
        """Token ids of a chat, generation prompt included; cached.

        A last turn of the assistant is what the completion starts with: it comes after the generation prompt, in the
        pieces that a completion has.
        """
        key = repr(messages)
        if key not in self._encoded:
            self._encoded[key] = self.encode_once(messages)
        return self._encoded[key]

    def encode_once(self, messages: list[dict[str, str]]) -> list[int]:
        """The same for a chat that will not be asked again, so that it is not kept."""
        return chat_ids(self.tokenizer, messages)

    @torch.no_grad()
    def sample_ids(self, prompt_ids: Sequence[list[int]], repeats: int, generator: torch.Generator) -> list[list[int]]:
        """Completion ids, `repeats` for each prompt in order, the end token included where it was drawn.

        Args:
            prompt_ids: G prompts.
            repeats: Samples of each prompt.
            generator: The only source of randomness on the fast path.
        """
        padded_GP, real_GP = left_pad(prompt_ids, self.tokenizer.pad_token_id)
        if self.fast:
            tokens_BC = LlamaDecoder(self.model).sample(
                padded_GP, real_GP, repeats, self.sampling, self.ends, generator
            )
        else:
            tokens_BC = self._generate(padded_GP, real_GP, repeats, generator)
        return [cut_at_end(row, self.ends) for row in tokens_BC.tolist()]

    def _generate(self, padded_GP: Tensor, real_GP: Tensor, repeats: int, generator: torch.Generator) -> Tensor:
        device = self.model.device
        seed = int(torch.randint(2**31, (1,), generator=generator))
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            made = self.model.generate(
                input_ids=padded_GP.repeat_interleave(repeats, 0).to(device),
                attention_mask=real_GP.long().repeat_interleave(repeats, 0).to(device),
                max_new_tokens=self.sampling.max_tokens,
                do_sample=True,
                temperature=self.sampling.temperature,
                top_k=0,
                top_p=1.0,
                # Chat models ship sampling habits of their own in generation_config.json, which would bend the policy.
                min_p=None,
                typical_p=1.0,
                repetition_penalty=1.0,
                no_repeat_ngram_size=0,
                pad_token_id=self.tokenizer.pad_token_id,
                eos_token_id=list(self.ends),
            )
        return made[:, padded_GP.shape[1] :]

    def rollouts(self, prompts: Sequence[Prompt], repeats: int, generator: torch.Generator) -> list[Rollout]:
        """`repeats` rollouts of each prompt, in the order of the prompts."""
        ids = self.sample_ids([self.encode(prompt.messages()) for prompt in prompts], repeats, generator)
        return self.decode([prompt for prompt in prompts for _ in range(repeats)], ids)

    def is_finished(self, completion: Sequence[int]) -> bool:
        """Return whether a completion came to an end of its own."""
        return completion[-1] in self.ends

    def decode(self, prompts: Sequence[Prompt], completion_ids: Sequence[list[int]]) -> list[Rollout]:
        """Records for completions that were drawn for these prompts, one each; a prompt's prefix starts its text."""
        given = {prefix: prefix_ids(self.tokenizer, prefix) for prefix in {prompt.prefix for prompt in prompts}}
        # Decoded behind its prefix: some tokenizers drop the space before the first word of whatever they decode.
        whole = [[*given[prompt.prefix], *ids] for prompt, ids in zip(prompts, completion_ids, strict=True)]
        texts = [decode_text(self.tokenizer, ids, self.ends) for ids in whole]
        read = {prefix: len(decode_text(self.tokenizer, ids)) for prefix, ids in given.items()}
        return [
            Rollout(
                prompt,
                prompt.prefix + text[read[prompt.prefix] :],
                truncated=not self.is_finished(ids),
                tokens=len(ids),
            )
            for prompt, text, ids in zip(prompts, texts, completion_ids, strict=True)
        ]


def left_pad(rows: Sequence[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Ids (G, P) padded on the left, and a mask that is True on real tokens."""
    width = max(len(row) for row in rows)
    padded_GP = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows])
    real_GP = torch.tensor([[False] * (width - len(row)) + [True] * len(row) for row in rows])
    return padded_GP, real_GP


def cut_at_end(row: list[int], ends: Collection[int]) -> list[int]:
    """A row up to and including its first end token."""
    return row[: next((place for place, token in enumerate(row) if token in ends), len(row)) + 1]
