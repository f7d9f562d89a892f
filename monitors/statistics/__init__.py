"""Rates, gaps, intervals and tests."""
