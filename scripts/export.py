"""A portable checkpoint, transcripts as a dataset: `python -m scripts.export run=DIR step=N out=DIR`."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("export")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.export.command import export, problems

    hydra_app(export, "export", problems)
