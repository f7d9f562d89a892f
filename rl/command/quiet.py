"""Keeps the libraries' own progress bars and notices out of the run's output; warnings of ours are left alone."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path


def quiet() -> None:
    """Silence Hugging Face bars and deprecation notices; call before a model is loaded."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # TRL warns at every truncated completion, prompt and all; the share of them is in the metrics as train/truncated.
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl|accelerate)\.")
    # What is loaded later reads these; what is loaded already has to be told.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if "transformers" in sys.modules:
        transformers = sys.modules["transformers"]
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()


def keep_fonts_in(folder: Path) -> None:
    """Have matplotlib keep its list of fonts in a folder where the home folder cannot be written; call before it is
    loaded."""
    home = Path(os.path.expanduser("~"))
    places = (home, home / ".config", home / ".config" / "matplotlib", home / ".cache" / "matplotlib")
    if not any(os.access(place, os.W_OK) for place in places):
        os.environ.setdefault("MPLCONFIGDIR", str(folder.absolute() / ".cache"))
