"""What people look at: a page, figures and a summary of each run, and a comparison of several."""

from rl.report.comparison_page import write_comparison
from rl.report.page import write_report
from rl.report.tables import final_table

__all__ = ["final_table", "write_comparison", "write_report"]
