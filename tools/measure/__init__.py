"""What the product costs and how fast it is: each measurement is a module with `measure(small, tell)`, which gives
tables and tells what it is doing. The emulators and a project of its own are in the environment meanwhile.
"""
