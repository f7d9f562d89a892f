"""Keeps the libraries' own progress bars and notices out of the run's output; warnings of ours are left alone."""

from __future__ import annotations

import logging
import os
import warnings


def quiet() -> None:
    """Silence Hugging Face bars and deprecation notices; call before a model is loaded."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # TRL warns at every truncated completion, prompt and all; the share of them is in the metrics as train/truncated.
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl|accelerate)\.")
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
