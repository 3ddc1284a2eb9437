"""What operators can do: see what stands still and why, and mend it without a shell on any machine.

It may import language, telemetry, runtime and edge. It never changes a journey but through the runtime, leaves an audit
row for every act, and knows no service's rule.

Read in this order: `parked` (what is set aside, told without personal data), `missing` (what a waiting event waits
for), `mending` (replay, skip, republish: each in one transaction with its audit row), `control` and `healing` (what
mends itself), `standing` (how each process says how it stands), `rebuild` (a projection made anew beside the live
one), `routes` (all of it over HTTP).
"""
