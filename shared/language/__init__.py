"""Everything that may be said on the platform, and what it means: events, programmes, journeys, rights, days, errors.

It may import msgspec and the standard library, and no other room. It never does I/O, reads a clock or asks chance, so
that every rule of it can be tested with values alone.

Read in this order: `events` (the closed list), `programmes` (what a programme lays down), `passage` (where a journey
stands), `access` (who may do what), `decision` (what a use case returns), `errors` (every problem a caller can meet).
"""
