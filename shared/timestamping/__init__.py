"""Asks an authority for the time of a seal (RFC 3161), and reads what it said."""
