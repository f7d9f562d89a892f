"""What people look at: a page, figures and a summary of each run, and a comparison of several."""

from rl.report.pages.comparison import write_comparison
from rl.report.pages.run import write_report
from rl.report.tables.run import final_table

__all__ = ["final_table", "write_comparison", "write_report"]
