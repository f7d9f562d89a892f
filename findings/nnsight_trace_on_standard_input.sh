#!/bin/sh
# Versions: nnsight 0.8.1, transformers 5.23.0, torch 2.13.0.
# Behaviour: nnsight reads the body of `with model.trace(...)` from the source file of the caller. A script that Python
#   reads from standard input has none: the same lines fail there and work as a file.
# Seen: `WithBlockNotFoundError: nnsight has no source for <stdin>`; as a file exit code 0, on standard input exit code 1
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" || exit 2
"$folder/env/bin/pip" install -q torch==2.13.0 transformers==5.23.0 nnsight==0.8.1 || exit 2
cat > "$folder/trace.py" <<'EOF'
import torch
from nnsight import NNsight

model = NNsight(torch.nn.Sequential(torch.nn.Linear(2, 3)))
with model.trace(torch.ones(1, 2)):
    output = model.output.save()
print("shape", tuple(output.shape))
EOF
"$folder/env/bin/python" "$folder/trace.py"; file=$?
"$folder/env/bin/python" - < "$folder/trace.py" 2> "$folder/error"; stdin=$?
tail -n 1 "$folder/error"
echo "as a file: exit code $file; on standard input: exit code $stdin"
[ "$file" -eq 0 ] && [ "$stdin" -ne 0 ]
