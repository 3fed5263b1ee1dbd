"""What is checked besides behaviour: keys in files, known vulnerabilities."""
