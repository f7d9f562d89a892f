#!/bin/sh
# Versions: transformers 5.23.0, tokenizers as pip takes it.
# Behaviour: AutoTokenizer chooses a tokenizer's class by the model type in config.json, also where
#   tokenizer_config.json names another class. The class of qwen2 adds `<|endoftext|>` to a vocabulary without it, under
#   an id for which the model has no embedding.
# Seen: qwen2 Qwen2Tokenizer 4 tokens, of 3 in the file; llama TokenizersBackend 3 tokens, of 3 in the file
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" && "$folder/env/bin/pip" install -q transformers==5.23.0 || exit 2
cd "$folder" || exit 2
env/bin/python - <<'EOS'
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models
from transformers import AutoTokenizer

sizes = {}
for kind in ("qwen2", "llama"):
    folder = Path(kind)
    folder.mkdir()
    words = models.BPE(vocab={"a": 0, "b": 1, "<e>": 2}, merges=[])
    Tokenizer(words).save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<e>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    read = AutoTokenizer.from_pretrained(folder)
    sizes[kind] = len(read)
    print(kind, type(read).__name__, len(read), "tokens, of 3 in the file")
sys.exit(0 if sizes == {"qwen2": 4, "llama": 3} else 1)
EOS
