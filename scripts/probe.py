"""Activations and linear probes across a run's checkpoints: `python -m scripts.probe run=DIR`."""

from rl.command.entry import hydra_app
from rl.probe.command import probe, problems

if __name__ == "__main__":
    hydra_app(probe, "probe", problems)
