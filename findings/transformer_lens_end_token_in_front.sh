#!/bin/sh
# Versions: transformer-lens 4.3.0, transformers 5.23.0, torch 2.13.0.
# Behaviour: for a tokenizer without a beginning-of-text token TransformerLens puts the END token in front of texts, so
#   the model reads another prompt than it was trained on. Token ids, or `prepend_bos=False`, leave the text as it is.
# Seen: ids of 'a b': [2, 3] TransformerLens: [1, 2, 3] prepend_bos=False: [2, 3], where 1 is the end token
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" || exit 2
"$folder/env/bin/pip" install -q torch==2.13.0 transformers==5.23.0 transformer-lens==4.3.0 || exit 2
cat > "$folder/lens.py" <<'EOF'
import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from transformer_lens.model_bridge import TransformerBridge
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

words = Tokenizer(models.WordLevel({"<pad>": 0, "<end>": 1, "a": 2, "b": 3}, unk_token="<pad>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<end>")
size = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=4)
LlamaForCausalLM(LlamaConfig(**size, bos_token_id=None, eos_token_id=1, pad_token_id=0)).save_pretrained("model")
tokenizer.save_pretrained("model")
bridge = TransformerBridge.boot_transformers("model", device="cpu")
found = bridge.to_tokens("a b")[0].tolist()
plain = bridge.to_tokens("a b", prepend_bos=False)[0].tolist()
print("ids of 'a b':", tokenizer("a b")["input_ids"], "TransformerLens:", found, "prepend_bos=False:", plain)
sys.exit(0 if found == [1, 2, 3] and plain == [2, 3] else 1)
EOF
cd "$folder" && "$folder/env/bin/python" lens.py
