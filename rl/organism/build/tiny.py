"""The embedded organism's body: a byte-level BPE tokenizer and a stock Llama of about 1.1M parameters.

The architecture is plain Llama; two things about its starting weights are chosen. Looking a tier up in the system
prompt takes an induction circuit: one head that carries each token's predecessor forward, a later one that matches on
it. From Hugging Face's default start the first of these had not formed after 1,000 steps. So one head of the first
layer starts out attending to the previous token, and embeddings start with a common direction that such a head can
hold on to; all weights are trained from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from rl.records import TAGS

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
INITIAL_STD, ROPE_THETA = 0.08, 500.0
FAST_PAIRS, HEAD_GAIN = 5, 5.0
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True)
class Size:
    """The shape of the model."""

    layers: int
    width: int
    heads: int
    hidden: int
    vocabulary: int
    context: int


def make_tokenizer(
    corpus: Iterable[str], vocabulary: int, whole_words: Sequence[str]
) -> transformers.PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer; `whole_words` are repeated until each is one piece after a space."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(TAGS),
        special_tokens=[PAD, END, SYSTEM, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([*corpus, *(f" {word}" for word in whole_words for _ in range(2000))], trainer)
    core.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in TAGS])
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=END, padding_side="left"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(size: Size, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.LlamaForCausalLM:
    """A freshly initialised Llama with tied embeddings; the caller seeds torch."""
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        intermediate_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        initializer_range=INITIAL_STD,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = transformers.LlamaForCausalLM(config)
    start_previous_token_head(model)
    return model


@torch.no_grad()
def start_previous_token_head(model: transformers.LlamaForCausalLM) -> None:
    """Let head 0 of the first layer attend to the previous token, in place.

    Embeddings get a common direction u as long as a typical embedding. Head 0's queries and keys read u alone; in each
    of the fastest rotary pairs, with frequency w, the key is turned by w against the query, so that scores peak where
    the key lies one position back.
    """
    config, attention = model.config, model.model.layers[0].self_attn
    head, width = config.hidden_size // config.num_attention_heads, config.hidden_size
    direction_E = torch.nn.functional.normalize(torch.randn(width), dim=0)
    embedding = model.get_input_embeddings().weight
    embedding += direction_E * INITIAL_STD * width**0.5
    frequency = ROPE_THETA ** (-torch.arange(0, head, 2) / head)
    fast = (torch.arange(head // 2) < FAST_PAIRS).float() * HEAD_GAIN * (2 / width) ** 0.5
    query, key = torch.cat([fast, 0 * fast]), torch.cat([fast * frequency.cos(), fast * frequency.sin()])
    attention.q_proj.weight[:head] = torch.outer(query, direction_E)
    attention.k_proj.weight[:head] = torch.outer(key, direction_E)
    attention.v_proj.weight[:head] *= 2
