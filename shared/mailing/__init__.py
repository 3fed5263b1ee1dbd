"""E-mail: SMTP. The only package that sends it."""
