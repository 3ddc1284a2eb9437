"""The rules of activity tracking: pure, no I/O, no clock. Read `journey`, then the kinds of entry.

`journey`   the state, what the others' events do to it, on which days something can be logged
`plan`      activities planned, the participant's own goals, readiness
`sessions`  attendance and hours, and how a wrong entry is superseded
`progress`  repeated measures and validated competences
`outputs`   results of the programme that concern no participant
"""
