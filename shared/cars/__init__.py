"""The car providers: each reads one make's cloud. They know nothing of trips, users or the store."""
