"""The runtime applies each event and each command exactly once. It knows no service's rules and never speaks HTTP.

Kafka is a log with at-least-once delivery. Offsets, sequences and deduplication live in MongoDB beside the state, and
change in the same transaction. The modules, by purpose:

- one transaction: `unit`, `staged` (a subject's document), `transaction`, `durable`, `write_conflicts`
- events in: `consumer` (the loop), `member`, `positions`, `topic_identity`, `pace`, `read_ahead`, `stumbles`, `fold`
  (applying a batch), `parking`, `breaker`, `origin`; for topics of agencies `fair` and `turns`
- events out: `outgoing`, `relay`, `quarantine`
- commands: `commands`, `group_commit`, `many`, `waiting`
- time: `clock`, `timers`; the audit of reads: `reads`, `sealer`, `seals`, `unusual`
- a service as values: `parts`, `groups`, `settings`, `programmes`, `progress`
"""
