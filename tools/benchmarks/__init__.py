"""The benchmarks: each module has `measure(small, tell)`, which gives a table and tells what it is doing."""

NAMES = ("calls", "scheduler", "throughput", "cold_start")
