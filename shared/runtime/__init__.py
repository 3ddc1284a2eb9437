"""Exactly once: how a decision becomes durable, and how events come in and go out without loss or repetition.

It may import language and telemetry, MongoDB's and Kafka's clients. It never meets HTTP, and it knows no rule of a
service.

Read in this order: `unit` (one MongoDB transaction makes a decision durable), `consumer` (events in: one transaction
per poll), `relay` (events out), `timers`, `commands` (one decision per idempotency key). Kafka is an at-least-once log;
offsets, sequences and deduplication live in MongoDB with the state, in the same transaction
(docs/architecture/exactly-once.md).
"""
