"""What the service costs a month: counts of an ordinary trip, stated assumptions and the public price list."""
