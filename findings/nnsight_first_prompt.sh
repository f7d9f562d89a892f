#!/bin/sh
# Versions: nnsight 0.8.1, transformers 5.23.0, torch 2.13.0.
# Behaviour: a decoder layer of transformers 5 returns a tensor and no tuple. `layer.output[0]`, which older notebooks
#   take for the hidden states of all prompts, is therefore the hidden states of the first prompt.
# Seen: output (3, 4, 16) output[0] (4, 16) for three prompts of four tokens
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" || exit 2
"$folder/env/bin/pip" install -q torch==2.13.0 transformers==5.23.0 nnsight==0.8.1 || exit 2
cat > "$folder/layer.py" <<'EOF'
import sys

import torch
from nnsight import NNsight
from transformers import LlamaConfig, LlamaForCausalLM

size = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, vocab_size=50)
model = NNsight(LlamaForCausalLM(LlamaConfig(**size)).eval())
with model.trace(torch.arange(12).reshape(3, 4)):
    whole = model.model.layers[0].output.save()
    first = model.model.layers[0].output[0].save()
print("output", tuple(whole.shape), "output[0]", tuple(first.shape))
sys.exit(0 if whole.shape == (3, 4, 16) and first.shape == (4, 16) and torch.equal(first, whole[0]) else 1)
EOF
"$folder/env/bin/python" "$folder/layer.py"
