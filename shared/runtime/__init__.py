"""The runtime: exactly once, in one small package that knows no service's rule.

Read in this order: `change` (what a decision is), `unit` (how one becomes durable: one MongoDB transaction),
`consumer` (events in: one transaction per poll), `relay` (events out), `timers`, `commands` (HTTP in),
`process` (the threads of a consumer process). Kafka is an at-least-once log; offsets, sequences and
deduplication live in MongoDB with the state, in the same transaction (design.md, §4).
"""
