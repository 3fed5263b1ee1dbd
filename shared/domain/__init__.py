"""The rules of the mileage log. Pure: no I/O, no clock of its own, no Google, Flask or requests."""
