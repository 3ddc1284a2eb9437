"""`make bench`: what the guarantees cost, as ratios within one run, on the same broker and database."""
