"""What a run is put together from, once for the process that keeps the record and once for each that helps it."""

from __future__ import annotations

from dataclasses import dataclass

from monitors.panel import Panel
from reward.compose import Reward
from rl.algo.grpo import FreeTierTrainer
from rl.algo.ppo.trainer import PpoTrainer
from rl.algo.trainer_config import trainer_config
from rl.config.schema import Config
from rl.instruments.monitors import panel_from
from rl.instruments.rater import reward_from
from rl.mitigation.assembly import Mitigations, mitigations_from
from rl.mitigation.interrogation import Interrogator, interrogator_from
from rl.organism.build.model import Organism
from rl.rollout.sampler import Sampler, Sampling
from rl.run.model_checks import refuse_unfit
from rl.run.plan import RunPlan
from rl.run.resume import Sealer
from rl.run.watch import Watcher
from rl.scenario.requests import select
from rl.scenario.settings import Setting, setting_from


@dataclass(frozen=True)
class Parts:
    """The stages of the flow up to the update."""

    setting: Setting
    sampler: Sampler
    panel: Panel
    mitigation: Mitigations
    reward: Reward
    interrogator: Interrogator | None


def make_parts(config: Config, organism: Organism) -> Parts:
    """Return the configured stages around an organism."""
    sampling = Sampling(config.algo.max_completion_tokens, config.algo.temperature)
    sampler = Sampler(organism.model, organism.tokenizer, sampling)
    refuse_unfit(config, sampler)
    panel = panel_from(config.monitors, config.scenario.conflict)
    mitigation = mitigations_from(config, panel)
    reward = reward_from(config.reward, mitigation.terms, config.scenario.conflict)
    setting, interrogator = setting_from(config.scenario), interrogator_from(config, sampler)
    return Parts(setting, sampler, panel, mitigation, reward, interrogator)


def make_trainer(plan: RunPlan, parts: Parts, watcher: Watcher | None) -> FreeTierTrainer:
    """Return the configured trainer; without a watcher nobody hears of its steps."""
    config = plan.config
    args = trainer_config(config.algo, config.seed, plan.run_dir / "resume", config.tracking.checkpoint_every)
    asking = parts.interrogator.pay_answers if parts.interrogator else lambda score: score
    told, score = parts.mitigation.add_clause(parts.setting), parts.mitigation.mark_scores(asking(parts.reward.score))
    prompts = [told.prompt(request, "free") for request in select("harmful", ("train",), told.conflict, told.requests)]
    kind = PpoTrainer if config.algo.name == "ppo" else FreeTierTrainer
    callbacks = [*([watcher] if watcher else []), Sealer(plan.run_dir)]
    observe = watcher.observe if watcher else lambda _: None
    return kind(parts.sampler, prompts, score, observe, args, callbacks)
