"""`journeys`: what an operator types at three in the morning. A client like any other: HTTP, and a token.

    journeys status

The image has it on its PATH, and so has an environment in which the project is installed; in a checkout it is
`python -m clients.operator`. It imports nothing of the platform; all that it can do, the operators' routes can.
Environment: JOURNEYS_TOKEN (a bearer token with the duty `operator`), INTAKE_URL, ACTIVITY_TRACKING_URL, HANDOVER_URL,
OUTCOME_URL. Where the token holds several organisations or duties, JOURNEYS_ACTING_AS or `--as` names one.
Exit status: 0 well, 1 a hand is needed or something is left, 2 wrongly typed, 3 refused, 4 no service answered.
"""
