"""The log: drives, the trips that come of them, their kinds, sums and comparison with the odometer."""
