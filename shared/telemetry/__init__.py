"""The platform's telemetry: log lines, metrics in one closed list, and the trace that joins them.

It may import the language only. It never carries a name, a participant's id or the value of a field, and it never
decides anything.
"""
