"""Translates logs into files that other programs open, and files into logs."""
