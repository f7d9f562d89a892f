"""The record of a run, and what mirrors it."""
