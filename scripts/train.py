"""The main job, a Hydra app: `python -m scripts.train experiment=headline`, `-m` sweeps, `dry_run=true` checks."""

from rl.command.entry import hydra_app
from rl.sweep import sweep
from rl.train import train
from rl.validate import problems

if __name__ == "__main__":
    hydra_app(train, "config", problems, sweep, kept="everything written so far is kept, resume=auto continues")
