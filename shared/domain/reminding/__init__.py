"""What drivers are reminded of by e-mail, and the words for it. Pure."""
