#!/bin/sh
# Versions: statsmodels 0.15.0, numpy 2.4.6, scipy as pip takes it.
# Behaviour: `multipletests(..., method="holm")` calls a missing p-value (NaN) rejected where all others are rejected;
#   Bonferroni's method does not.
# Seen: holm [ True  True  True], bonferroni [ True False False] for the p-values [0.001, 0.02, nan]
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" && "$folder/env/bin/pip" install -q statsmodels==0.15.0 numpy==2.4.6 || exit 2
"$folder/env/bin/python" - <<'EOF'
import sys

import numpy as np
from statsmodels.stats.multitest import multipletests

holm, bonferroni = (multipletests([0.001, 0.02, np.nan], method=name)[0] for name in ("holm", "bonferroni"))
print("holm", holm, "bonferroni", bonferroni, "for the p-values [0.001, 0.02, nan]")
sys.exit(0 if holm[2] and not bonferroni[2] else 1)
EOF
