"""HTTP, once for every process: tokens, limits, bodies, fields, problem documents, OpenAPI, the server itself.

It may import language, telemetry and runtime. It never decides what a caller may do in a journey (the language does, by
one table), and nothing reads a body before its sender is known and limited.
"""
