"""The product on this machine: the stack, its emulators, the simulated car cloud and the demo."""
