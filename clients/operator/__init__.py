"""`journeys`: what an operator types at three in the morning. A client like any other: HTTP, and a token.

    python -m clients.operator status

It imports nothing of the platform; all that it can do, the operators' routes can. Environment: JOURNEYS_TOKEN (a
bearer token with the duty `operator`), INTAKE_URL, ACTIVITY_TRACKING_URL, HANDOVER_URL, OUTCOME_URL.
Exit status: 0 well, 1 a hand is needed or something is left, 2 wrongly typed, 3 refused, 4 no answer.
"""
