"""The scenarios, by what they strike. Each module here is loaded and registers its own."""
