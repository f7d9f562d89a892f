"""Instruments that read text and never train. Imports only `rl.records` and `rl.errors`."""
