"""Both tiers, in several settings, for an organism or for checkpoints: `python -m scripts.evaluate ckpt=[DIR,...]`."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("evaluate")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.evaluate.command import evaluate

    hydra_app(evaluate, "evaluate", kept="the figures of policies that were finished are kept")
