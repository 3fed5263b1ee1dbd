"""The checks of a log, one a module. There are none yet."""
