"""Operations: operators see which work has stopped and why, and mend it without a shell on any machine.

It may import language, telemetry, runtime and edge. It changes a journey only through the runtime, leaves an audit
row for every act, and knows no service's rule.

Read in this order:

- `parked`: parked events, shown without personal data
- `missing`: the events that a parked event waits for
- `mending`: replay, skip, republish, each in one transaction with its audit row
- `control` and `healing`: recovery without an operator
- `standing`: the report of each process
- `rebuild`: a projection rebuilt from the log beside the live one
- `routes`: all of it over HTTP
"""
