"""Takes a Google Cloud project from empty to a running system, and a running system to the new version."""
