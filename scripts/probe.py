"""Activations and linear probes across a run's checkpoints: `python -m scripts.probe run=DIR`."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("probe")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.probe.command import probe, problems

    hydra_app(probe, "probe", problems)
