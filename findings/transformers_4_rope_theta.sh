#!/bin/sh
# Versions: transformers 5.23.0 and 4.57.6, torch 2.13.0.
# Behaviour: transformers 5 writes the base of rotary positions under `rope_parameters`. transformers 4 looks for
#   `rope_theta` at the top, finds none, takes 10000, and says nothing: the model loads and its logits are wrong. With
#   `rope_theta` written beside it both read the same.
# Seen: largest difference of logits: 11 as written, 0 with rope_theta at the top
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
for version in 5.23.0 4.57.6; do
    python3 -m venv "$folder/$version" || exit 2
    "$folder/$version/bin/pip" install -q torch==2.13.0 transformers==$version || exit 2
done
cat > "$folder/write.py" <<'EOF'
import json, sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
size = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, vocab_size=50)
rope = {"rope_theta": 500.0, "rope_type": "default"}
config = LlamaConfig(**size, initializer_range=0.3, rope_parameters=rope)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
path = Path(sys.argv[1], "config.json")
held = json.loads(path.read_text())
print("at the top of config.json:", {key: held.get(key) for key in ("rope_parameters", "rope_theta")})
if sys.argv[2] == "both":
    path.write_text(json.dumps(held | {"rope_theta": 500.0}))
EOF
cat > "$folder/read.py" <<'EOF'
import sys

import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
with torch.no_grad():
    torch.save(model(torch.arange(40)[None]).logits.float(), sys.argv[2])
EOF
cat > "$folder/compare.py" <<'EOF'
import sys

import torch

apart = [float((torch.load(f"{way}.5.23.0") - torch.load(f"{way}.4.57.6")).abs().max()) for way in ("new", "both")]
print(f"largest difference of logits: {apart[0]:.2g} as written, {apart[1]:.2g} with rope_theta at the top")
sys.exit(0 if apart[0] > 0.1 and apart[1] < 1e-4 else 1)
EOF
cd "$folder" || exit 2
for way in new both; do
    "$folder/5.23.0/bin/python" write.py "model_$way" "$way" || exit 2
    for version in 5.23.0 4.57.6; do
        "$folder/$version/bin/python" read.py "model_$way" "$way.$version" || exit 1
    done
done
"$folder/5.23.0/bin/python" compare.py
