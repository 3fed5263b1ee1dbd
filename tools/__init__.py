"""What operators and developers run by hand. Nothing that is deployed imports this."""
