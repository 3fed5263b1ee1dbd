"""Use cases that more than one door has: the driver's calls over HTTP, and the operator's tool."""
