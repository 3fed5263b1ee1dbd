"""From what phone and car say to drives: the driver's state, and what each event makes of it."""
