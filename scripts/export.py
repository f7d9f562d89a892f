"""A portable checkpoint, transcripts as a dataset: `python -m scripts.export run=DIR step=N out=DIR`."""

from rl.command.entry import hydra_app
from rl.export.command import export, problems

if __name__ == "__main__":
    hydra_app(export, "export", problems)
