"""Describe an embedded organism or build it again: `python -m scripts.organism organism=tiny [rebuild=true]`."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("organism_job")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.organism.command import organism

    hydra_app(organism, "organism_job")
