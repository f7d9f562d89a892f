"""Describe an embedded organism or build it again: `python -m scripts.organism organism=tiny [rebuild=true]`."""

from rl.command.entry import hydra_app
from rl.organism.command import organism

if __name__ == "__main__":
    hydra_app(organism, "organism_job")
