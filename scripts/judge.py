"""The monitors over anybody's transcripts: `python -m scripts.judge in=FILE.jsonl out=FILE.jsonl`."""

from rl.command.help import answer_help

if __name__ == "__main__":
    answer_help("judge")  # before what takes seconds to load
    from rl.command.entry import hydra_app
    from rl.judge.command import judge, problems

    hydra_app(judge, "judge", problems)
