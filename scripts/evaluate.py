"""Both tiers, in several settings, for an organism or for checkpoints: `python -m scripts.evaluate ckpt=[DIR,...]`."""

from rl.command.entry import hydra_app
from rl.evaluate.command import evaluate

if __name__ == "__main__":
    hydra_app(evaluate, "evaluate", kept="the figures of policies that were finished are kept")
