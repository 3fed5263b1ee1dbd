"""Tests mirror what they test. `domain` is pure; `system` runs the real stack on Google's emulators."""
