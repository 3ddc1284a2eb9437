"""The player: one client that plays everybody around the platform for three simulated years.

Agencies refer by HTTP and over their inbound Kafka topics, providers log sessions, and receivers answer handovers.
Follow-ups are answered or forgotten. The player uses the public interfaces only and imports nothing from `services/`
or `shared/`. It takes its rules and figures from the field (docs/field.md). So its own count, kept in `ledger`, is a
second opinion on the report and not the same code asked twice.

    programme       the programme's document: roles, codes, deadlines
    cohort          the people, and their fates; doubles: who is registered twice, or only looks so
    asking          whom a referral asks, and what each of them answered; pure
    newcomer        the agency that joins on the way, and whom it refers; pure. joining: how it is let in
    plan_writer     writes one journey's acts in order; story: the acts of each fate
    scenario        the plan: every command of every day, from a seed; incidents: what goes wrong in it; pure
    ledger          the player's own count of every figure of the report, and the comparison; persons: who is one; pure
    periods         the same for a report of a quarter; reports: reads both
    wire            HTTP: tokens, retries with the same Idempotency-Key, vectors
    inbound         the agencies' own topics: referrals out, replies in
    idle            waits until the platform has nothing left to do
    candidates      whether the platform finds who may be the same person
    play            drives the clock and carries the plan out
    referrer_check  whether every referrer knows where its referrals stand; silences: how long an answer is awaited
    saboteur        FAULT=drop-one-event: removes one record before it is published, from outside
    processes       which process of the local stack listens on which port
    screen          the progress bar and the tables

Run it with `python -m clients.player`; settings are in `__main__`.
"""
