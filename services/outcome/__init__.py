"""Outcome: what came of a journey, and the figures of a programme.

Owns: the collection `outcomes`, one state per journey; and `figure_journeys`, the states of its projection. Entry
answers never leave this service but as figures.
Rows: `entries`, `follow_ups` and `superseded` (what was corrected); `resting` and `rested_on` (which journeys of one
person rest on which); `cells` and `day_cells` (the figures);
`indicators`, `page_links` and `page_sessions` (the stream).
In: commands over HTTP (`api`); every event of the others that moves a journey. The projection reads all events, its own
service's too.
Out: EntryRecorded, JourneyExited, FollowUpDue, FollowUpAnswered, FollowUpMissed, JourneyClosed, OtherJourneysLeft and
FirstEntryChanged (`journey/<id>`); the figures on `journey.indicators.v1` and the
`dashboard.*` topics.
"""
