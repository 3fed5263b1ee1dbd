"""What each function does with a request or an event: decode, ask domain and store, encode."""
