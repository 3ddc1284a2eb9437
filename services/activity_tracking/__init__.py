"""Activity tracking: what the participant does on the way, and what the programme brings about besides.

Owns the collection `activities` (one state per journey and per programme output) and the rows `sessions`,
`session_references`, `activities_planned`, `goals`, `progress`, `competences` and `outputs`.

In: every event of intake, handover and outcome that moves a journey. They are taken in as facts: they decide
who may log and which days can still be logged, and cause no event here.
Out: ActivityPlanned, GoalSet, GoalReached, SessionLogged, SessionCorrected, ProgressMeasured,
CompetenceValidated, ParticipantReady (subject `journey/<id>`); OutputLogged, OutputCorrected (`output/<id>`).

The participant's words, the answers of progress measures, reasons of absence and activities whose name would
reveal health stay here (docs/field.md, Privacy).
"""
