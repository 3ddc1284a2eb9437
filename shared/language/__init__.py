"""The platform's language: events, programmes, journeys, rights, days and errors, with their meaning.

It may import msgspec and the standard library, and no other room. It does no I/O and uses no clock and no chance, so
every rule can be tested with values alone.

Read in this order:

- `events`: the closed list
- `programmes`: the rules of a programme, as data
- `passage`: where a journey stands
- `access`: who may do what
- `decision`: what a use case returns
- `errors`: every problem that a caller can meet
"""
