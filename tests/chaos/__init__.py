"""Drives under faults: a plan that knows the truth, a ground that breaks, players, and a checker that only counts."""
