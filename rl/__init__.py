"""The loop: scenario -> organism -> rollout -> update -> tracking -> checkpoint -> report."""
