"""The monitors over anybody's transcripts: `python -m scripts.judge in=FILE.jsonl out=FILE.jsonl`."""

from rl.command.entry import hydra_app
from rl.judge.command import judge, problems

if __name__ == "__main__":
    hydra_app(judge, "judge", problems)
