"""What the functions share: domain, repositories, car providers, messaging and handlers, in one direction only."""
