"""The car: what it says of itself, its odometer and what of it is believed, how often it may be asked."""
