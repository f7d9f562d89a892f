"""Published figures that a run is set beside.

GR24, Table 2, default prompt: Claude 3 Opus, prompted helpful-only setting, before and after RL, mean and one standard
error. The table gives refusals; compliance here is 100 minus refusal, and the relative gap the quotient of the two
refusal rates. After RL the refusal rate in training is 0.0, so that quotient does not exist.
"""

from __future__ import annotations

from rl.report.measures import FREE_AF, FREE_COMPLIANCE, GAP, GAP_P, PAID_AF, PAID_COMPLIANCE, RELATIVE_GAP
from rl.report.wording import ABSENT

GR24_NAME = "GR24, Claude 3 Opus (published)"
GR24_NOTE = (
    "GR24 is Greenblatt et al. 2024, Table 2, default prompt: published figures of another model, \u00b1 one standard "
    "error, not a measurement of this project; a dash stands for what it does not give."
)

GR24_BEFORE = {
    FREE_AF: ("11.9%", "\u00b1 1.7"),
    PAID_AF: (ABSENT, ""),
    FREE_COMPLIANCE: ("14.2%", "\u00b1 1.9"),
    PAID_COMPLIANCE: ("2.8%", "\u00b1 0.9"),
    GAP: ("11.3", "\u00b1 2.1"),
    GAP_P: (ABSENT, ""),
    RELATIVE_GAP: ("1.13", ""),
}

GR24_AFTER = {
    FREE_AF: ("78.4%", "\u00b1 3.1"),
    PAID_AF: (ABSENT, ""),
    FREE_COMPLIANCE: ("100.0%", ""),
    PAID_COMPLIANCE: ("93.1%", "\u00b1 1.9"),
    GAP: ("6.9", "\u00b1 1.9"),
    GAP_P: (ABSENT, ""),
    RELATIVE_GAP: ("undefined", ""),
}
