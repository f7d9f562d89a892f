"""The main job, a Hydra app: `python -m scripts.train experiment=headline`, `-m` sweeps, `dry_run=true` checks."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("config")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.run.train import train
    from rl.run.validate import problems
    from rl.sweep.command import sweep

    hydra_app(train, "config", problems, sweep, kept="everything written so far is kept, resume=auto continues")
