"""The car providers, each through its real library, against a local server that answers as the maker does."""
