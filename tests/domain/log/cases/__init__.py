"""Small scripted days, each with the log that must come of it: what drivers of other programs complained of in public.

What is played is what phone and car say; who keeps the log is asked by the protocol of the worlds alone. See `script`.
"""
