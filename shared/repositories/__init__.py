"""The store: Firestore documents, each under its user. The only package that imports Firestore."""
