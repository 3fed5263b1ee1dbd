"""The bus: Pub/Sub. The only package that imports it."""
