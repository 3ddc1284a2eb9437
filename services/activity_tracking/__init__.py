"""Activity tracking: what the participant does on the way, and what the programme brings about besides.

Owns: the collection `activities`, one state per journey, programme output, closure and group of a unit, unit whose
registers are counted, and counted register. The participant's words, the answers of progress measures, reasons of
absence and activities whose name would reveal health stay here (docs/field.md, Privacy).
Rows: `sessions`, `session_days`, `session_references`, `marks`, `activities_planned`, `pauses`, `extents`, `closures`,
`groups`, `registers`, `goals`, `progress`, `competences`, `outputs`, `reports`, `report_weeks`, `reports_due` and
`superseded` (what was corrected).
In: commands over HTTP (`api`), and marks on organisations' topics (`inbound.py`); every event of the others that moves
a journey. They decide who may log, and which days count.
Out: ActivityPlanned, GoalSet, GoalReached, SessionLogged, SessionCorrected, SessionsRecounted, ProgressMeasured,
CompetenceValidated, ReportMade, ReportAcknowledged,
ReportOverdue and ParticipantReady (`journey/<id>`); OutputLogged and OutputCorrected (`output/<id>`);
RegisterCounted (`register/<unit>@<day>@<programme>@<municipality>`).
"""
