"""Use cases, one a function: each reads what it needs, asks the domain, and stores what comes of it."""
