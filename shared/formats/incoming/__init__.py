"""Reads files of trips: text in, rows out, each a trip or the reason why it is none."""
