"""Worlds: an independent model of drivers, phones, cars and clouds, played against the product by a clock of its own."""
