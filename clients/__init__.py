"""Programs that use the platform as anybody could: over HTTP with a token, and over Kafka with a password.

They import nothing of the platform and nothing of each other; whatever one of them can do, a stranger with the same
rights can. `operator` is the operators' command, `player` the demonstration.
"""
