"""The geocoders: each asks a service for the address of a position. They know nothing of trips, users or the store."""
