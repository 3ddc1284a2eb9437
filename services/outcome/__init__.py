"""outcome owns what came of a journey: entry and exit answers, exit, follow-ups, closed; and the figures.

Events in: everything that intake, activity tracking and handover say of a journey (the projector also reads
outcome's own events, and outputs). Events out: entry-recorded, journey-exited, follow-up-due, follow-up-answered,
follow-up-missed, journey-closed. Entry answers never leave this service but as figures.
"""
