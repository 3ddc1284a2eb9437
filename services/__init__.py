"""Four services of one shape, which share no database and never call one another."""
