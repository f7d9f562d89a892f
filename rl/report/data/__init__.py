"""What pages and figures are made from: runs, measures, arms, comparisons."""
