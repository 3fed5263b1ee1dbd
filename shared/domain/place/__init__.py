"""Where: positions and distances on the earth, places, what a phone saw on the way."""
