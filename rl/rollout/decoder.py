"""A sampling loop for Llama-shaped models: preallocated keys and values, prefix shared by all samples of a prompt.

Written for small models on a CPU, where Hugging Face `generate` spends most of its time outside matrix products
(docs/results.md). Each prompt is read once; its keys and values serve all of its samples.

Axes: G prompts, R samples of each, B = G * R, P prompt tokens, C completion tokens, K key-value heads, Q query heads
per key-value head, D head width, E model width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class SamplingLimits(Protocol):
    """How completions are drawn."""

    @property
    def max_tokens(self) -> int: ...

    @property
    def temperature(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One block's weights: query, key and value fused, gate and up fused; queries carry the softmax scale."""

    norm_in_E: Tensor
    qkv: Tensor
    out: Tensor
    norm_mid_E: Tensor
    gate_up: Tensor
    down: Tensor


class LlamaDecoder:
    """A snapshot of a Llama's weights, ready to sample from.

    Args:
        model: A `LlamaForCausalLM`, or anything with the same parameter names, with or without adapters of peft;
            weights are copied, adapters added in.
    """

    def __init__(self, model: Any) -> None:
        config = model.config
        if not self.supports(config):
            raise ValueError(f"{config.model_type} is not a plain Llama")
        self.kv_heads, self.width = config.num_key_value_heads, model.get_input_embeddings().weight.shape[1]
        self.group = config.num_attention_heads // config.num_key_value_heads
        self.head = getattr(config, "head_dim", None) or self.width // config.num_attention_heads
        self.epsilon, self.theta = config.rms_norm_eps, config.rope_parameters["rope_theta"]
        self.embed_VE = model.get_input_embeddings().weight.detach()
        self.unembed_EV = model.get_output_embeddings().weight.detach().t()
        trunk = model.get_base_model().model if hasattr(model, "get_base_model") else model.model
        self.norm_E = trunk.norm.weight.detach()
        self.layers = [self._layer(block) for block in trunk.layers]

    @staticmethod
    def supports(config: Any) -> bool:
        """True for a plain Llama: default rotary embedding, no biases, SiLU."""
        rope = getattr(config, "rope_parameters", None) or {}
        return (
            config.model_type == "llama"
            and rope.get("rope_type", "default") == "default"
            and not config.attention_bias
            and not config.mlp_bias
            and config.hidden_act == "silu"
        )

    def _layer(self, block: Any) -> Layer:
        attention, mlp = block.self_attn, block.mlp
        scaled_q = weight_of(attention.q_proj) / math.sqrt(self.head)
        qkv = torch.cat([scaled_q, weight_of(attention.k_proj), weight_of(attention.v_proj)])
        gate_up = torch.cat([weight_of(mlp.gate_proj), weight_of(mlp.up_proj)])
        return Layer(
            block.input_layernorm.weight.detach(),
            qkv.t().contiguous(),
            weight_of(attention.o_proj).t().contiguous(),
            block.post_attention_layernorm.weight.detach(),
            gate_up.t().contiguous(),
            weight_of(mlp.down_proj).t().contiguous(),
        )

    def _norm(self, x: Tensor, weight_E: Tensor) -> Tensor:
        return F.rms_norm(x, (self.width,), weight_E, self.epsilon)

    def _mlp(self, x: Tensor, layer: Layer) -> Tensor:
        gate, up = (self._norm(x, layer.norm_mid_E) @ layer.gate_up).chunk(2, -1)
        return x + (F.silu(gate) * up) @ layer.down

    def _angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        powers = torch.arange(0, self.head, 2, device=positions.device).float() / self.head
        angle = positions.float()[..., None] * (1.0 / self.theta**powers)
        return torch.cat([angle.cos(), angle.cos()], -1), torch.cat([-angle.sin(), angle.sin()], -1)

    @staticmethod
    def _rotate(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        cos, signed_sin = angles
        return x * cos + x.roll(x.shape[-1] // 2, -1) * signed_sin

    def _split(self, x: Tensor, layer: Layer, angles: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (..., K*Q, D), keys and values (..., K, D)."""
        heads = (self._norm(x, layer.norm_in_E) @ layer.qkv).unflatten(-1, (-1, self.head))
        turned, v = heads.split([self.kv_heads * (self.group + 1), self.kv_heads], -2)
        q, k = self._rotate(turned, angles).split([self.kv_heads * self.group, self.kv_heads], -2)
        return q, k, v

    def prefill(self, ids_GP: Tensor, real_GP: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Read the prompts: logits after the last token (G, V), and keys (G, K, D, P) and values (G, K, P, D)."""
        positions_GP = (real_GP.long().cumsum(1) - 1).clamp(min=0)
        angles = tuple(part[:, :, None] for part in self._angles(positions_GP))
        causal_PP = torch.ones(ids_GP.shape[1], ids_GP.shape[1], dtype=torch.bool, device=ids_GP.device).tril()
        visible = (causal_PP & real_GP[:, None]) | torch.eye(len(causal_PP), dtype=torch.bool, device=ids_GP.device)
        x, caches = self.embed_VE[ids_GP], []
        for layer in self.layers:
            q, k, v = self._split(x, layer, angles)  # type: ignore[arg-type]
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            mixed = F.scaled_dot_product_attention(q, k, v, visible[:, None], scale=1.0, enable_gqa=self.group > 1)
            x = self._mlp(x + mixed.transpose(1, 2).flatten(2) @ layer.out, layer)
            caches.append((k.transpose(2, 3).contiguous(), v.contiguous()))
        return self._norm(x[:, -1], self.norm_E) @ self.unembed_EV, caches

    @torch.no_grad()
    def sample(
        self,
        ids_GP: Tensor,
        real_GP: Tensor,
        repeats: int,
        limits: SamplingLimits,
        ends: Sequence[int],
        generator: torch.Generator,
    ) -> Tensor:
        """Draw completions (B, C); every token after an end token is the first of the end tokens.

        Args:
            ids_GP: Prompts, padded on the left.
            real_GP: True on real tokens.
            repeats: R samples of each prompt; row g * R + r is sample r of prompt g.
            limits: The token limit C and the temperature.
            ends: The tokens that end a completion.
            generator: Source of the uniforms, one of each row and step until every row has ended.
        """
        device = self.embed_VE.device
        logits_GV, prefix = self.prefill(ids_GP.to(device), real_GP.to(device))
        state = _State(self, prefix, real_GP.to(device), repeats, limits.max_tokens)
        logits_BV, done_B = logits_GV.repeat_interleave(repeats, 0), torch.zeros(state.rows, dtype=torch.bool)
        drawn, ends_N = [], torch.tensor(ends)
        for step in range(limits.max_tokens):
            uniform_B = torch.rand(state.rows, generator=generator)
            token_B = inverse_cdf(logits_BV / limits.temperature, uniform_B.to(device)).cpu()
            token_B = torch.where(done_B, ends_N[0], token_B)
            drawn.append(token_B)
            done_B = done_B | torch.isin(token_B, ends_N)
            if bool(done_B.all()) or step + 1 == limits.max_tokens:
                break
            logits_BV = state.advance(token_B.to(device), step)
        return torch.stack(drawn, 1)


class _State:
    """Keys and values of the completions so far, and one step of the network over them.

    Rows of a head lie together, in the order prompt, key-value head, sample, so that both attention products work on
    views: G * K batches over the shared prefix, G * K * R over the completions.
    """

    def __init__(
        self, decoder: LlamaDecoder, prefix: list[tuple[Tensor, Tensor]], real_GP: Tensor, repeats: int, limit: int
    ) -> None:
        self.decoder, self.repeats = decoder, repeats
        self.prompts, self.rows = len(real_GP), len(real_GP) * repeats
        self.start_B = real_GP.sum(1).repeat_interleave(repeats)
        self.prefix = [(k.flatten(0, 1), v.flatten(0, 1)) for k, v in prefix]
        hidden_GP = torch.where(real_GP, 0.0, -torch.inf).to(prefix[0][0].dtype)
        self.hidden = hidden_GP.repeat_interleave(decoder.kv_heads, 0)[:, None]
        count, new = self.rows * decoder.kv_heads, prefix[0][0].new_empty
        self.completion = [(new(count, decoder.head, limit), new(count, limit, decoder.head)) for _ in prefix]

    def _by_head(self, x: Tensor) -> Tensor:
        """From (B, K * n, D) to (G * K, R * n, D)."""
        d = self.decoder
        sorted_x = x.reshape(self.prompts, self.repeats, d.kv_heads, -1, d.head).transpose(1, 2).contiguous()
        return sorted_x.view(self.prompts * d.kv_heads, -1, d.head)

    def _attend(self, q: Tensor, index: int, length: int) -> Tensor:
        """Attention of one query per row and head over the shared prefix and the row's own completion: (B, E)."""
        d, (prefix_k, prefix_v), (own_k, own_v) = self.decoder, self.prefix[index], self.completion[index]
        q = self._by_head(q)
        over_prefix = q @ prefix_k + self.hidden
        over_own = (q.view(-1, d.group, d.head) @ own_k[..., :length]).view(*q.shape[:2], length)
        weight = torch.cat([over_prefix, over_own], -1).softmax(-1)
        on_prefix, on_own = weight.split([prefix_k.shape[-1], length], -1)
        from_own = on_own.unflatten(1, (-1, d.group)).flatten(0, 1) @ own_v[:, :length]
        mixed = on_prefix @ prefix_v + from_own.view_as(q)
        return mixed.view(self.prompts, d.kv_heads, self.repeats, -1).transpose(1, 2).reshape(self.rows, -1)

    def advance(self, token_B: Tensor, step: int) -> Tensor:
        """Feed the token drawn at `step`; logits (B, V) for the next one."""
        d = self.decoder
        angles = tuple(part[:, None] for part in d._angles(self.start_B + step))
        x = d.embed_VE[token_B]
        for index, layer in enumerate(d.layers):
            q, k, v = d._split(x, layer, angles)  # type: ignore[arg-type]
            own_k, own_v = self.completion[index]
            own_k[..., step] = self._by_head(k).view(-1, d.head)
            own_v[:, step] = self._by_head(v).view(-1, d.head)
            x = d._mlp(x + self._attend(q, index, step + 1) @ layer.out, layer)
        return d._norm(x, d.norm_E) @ d.unembed_EV


def weight_of(linear: Any) -> Tensor:
    """The weight that a linear layer multiplies by; `weight` of one with adapters leaves these out."""
    weight: Tensor = linear.weight.detach()
    if getattr(linear, "disable_adapters", True):
        return weight
    return sum((linear.get_delta_weight(name).detach() for name in linear.active_adapters), weight)


def inverse_cdf(logits_BV: Tensor, uniform_B: Tensor) -> Tensor:
    """The token at which the cumulative probability passes each row's uniform."""
    cumulative_BV = logits_BV.float().softmax(-1).cumsum(-1)
    target_B1 = uniform_B[:, None] * cumulative_BV[:, -1:]
    return torch.searchsorted(cumulative_BV, target_B1, right=True)[:, 0].clamp(max=logits_BV.shape[-1] - 1)
