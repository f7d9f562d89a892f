"""Set-up that every test shares."""

from __future__ import annotations

import os

# Read once when torch is loaded, so they come before the import. One thread: tests are too small to gain from a second
# one, and two that wait for each other on a busy machine cost several times as much.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from hypothesis import settings

torch.set_num_threads(1)

# Under load an example takes as long as it takes; hypothesis would call that a failure.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
