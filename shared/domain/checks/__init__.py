"""The checks of a log, one a module: rows and readings go in, findings come out."""
