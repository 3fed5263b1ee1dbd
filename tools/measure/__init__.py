"""What the product costs and how fast it is."""
