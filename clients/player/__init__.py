"""The player: everybody around the platform, played by one client for three simulated years.

Agencies refer by HTTP and over their inbound Kafka topics, providers log what happens, receivers answer
handovers, follow-ups are answered or forgotten. It uses the public interfaces only and imports nothing from
`services/` or `shared/`: what it knows of rules and figures it knows from the field (docs/field.md), so that its
own count, kept in `ledger`, is a second opinion on the report and not the same code asked twice.

    codes     what the programme's document says: who may what, which codes, which deadlines
    cohort    who the people are, and what will happen to each of them
    scenario  the plan: every command of every day, from a seed; pure
    ledger    the player's own count of every figure of the report, and the comparison; pure
    wire      HTTP: tokens, retries with the same Idempotency-Key, vectors
    inbound   the agencies' own topics: referrals out, replies in
    play      drives the clock and carries the plan out
    saboteur  FAULT=drop-one-event: takes one record away on its way, from outside
    screen    the progress bar and the tables

Run it with `python -m clients.player`; settings are in `__main__`.
"""
