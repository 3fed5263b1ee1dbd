"""Moves data of the old system, global collections and plain-text credentials, under its users."""
