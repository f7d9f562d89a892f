"""Which fields of TRL's configuration `algo.extra` may set: those that this trainer's own path does not pass over."""

from __future__ import annotations

from collections.abc import Iterator

from rl.config.schema import AlgoConfig

_OURS = "completions are drawn by our own sampler, from the whole distribution at algo.temperature"
_TEMPLATE = "prompts are rendered by the model's template; organism.template sets its arguments"
_LOADED = "the model is loaded by organism=..."
_SCORES = "log-probabilities and rewards are made by our own code"
_REFERENCE = "the reference of the KL is the model that training starts from"
_EVALUATION = "evaluations are set by monitors=..."
_RECORD = "figures, rollouts and checkpoints are kept by tracking=..."
SAMPLING = ("top_p", "top_k", "min_p", "repetition_penalty", "generation_kwargs")
"""Fields that bend the distribution that is sampled from."""
PASSED_OVER: dict[str, str] = {
    **dict.fromkeys((*SAMPLING, "cache_implementation", "max_tool_calling_iterations"), _OURS),
    **dict.fromkeys(("use_transformers_continuous_batching", "transformers_continuous_batching_config"), _OURS),
    **dict.fromkeys(("use_transformers_paged", "num_generations_eval"), _OURS),
    **dict.fromkeys(("chat_template_kwargs", "pad_to_multiple_of"), _TEMPLATE),
    **dict.fromkeys(("model_init_kwargs", "trust_remote_code", "cast_lm_head_to_fp32"), _LOADED),
    **dict.fromkeys(("use_liger_kernel", "liger_kernel_config"), _SCORES),
    **dict.fromkeys(("reward_weights", "multi_objective_aggregation"), _SCORES),
    **dict.fromkeys(("sync_ref_model", "ref_model_mixup_alpha", "ref_model_sync_steps"), _REFERENCE),
    **dict.fromkeys(("do_eval", "eval_strategy", "eval_steps", "eval_on_start"), _EVALUATION),
    "per_device_eval_batch_size": _EVALUATION,
    **dict.fromkeys(("log_completions", "log_multimodal", "num_completions_to_print", "log_unique_prompts"), _RECORD),
    **dict.fromkeys(("log_completions_hub_repo", "push_to_hub", "hub_model_id", "load_best_model_at_end"), _RECORD),
    "neftune_noise_alpha": "noise in the update makes its policy another than the one that samples",
}  # fmt: skip
"""From a field that TRL accepts and that would do nothing, or worse, to the reason."""
GRPO_LOSS = (
    "num_iterations", "epsilon", "delta", "epsilon_high", "sapo_temperature_neg", "sapo_temperature_pos", "vespo_k_pos",
    "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg", "importance_sampling_level", "loss_type",
    "top_entropy_quantile", "entropy_coef", "use_adaptive_entropy", "entropy_coef_min", "entropy_coef_max",
    "entropy_coef_delta", "entropy_target", "off_policy_mask_threshold", "use_bias_correction_kl",
)  # fmt: skip
"""Fields of TRL's loss, which PPO replaces by its own."""


def extra_problems(algo: AlgoConfig) -> Iterator[str]:
    """Say which of `algo.extra` would be accepted and do nothing, a line each."""
    for name, value in algo.extra.items():
        given = f"algo.extra.{name}={value}"
        if name in PASSED_OVER and not (algo.extra.get("use_vllm") and name in SAMPLING):
            yield f"{given}: has no effect here; {PASSED_OVER[name]}"
        elif name == "router_aux_loss_coef" and value:
            yield f"{given}: no balancing loss of experts is computed here, so it is 0"
        elif algo.name == "ppo" and name in GRPO_LOSS[1:]:
            yield f"{given}: has no effect here; PPO has a loss of its own, set by algo.ppo"
