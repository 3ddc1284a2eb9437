"""HTTP, once for every process: tokens, limits, bodies, fields, problem documents, OpenAPI, the server itself.

It may import language, telemetry and runtime. It never decides a caller's rights in a journey: the language does, by
one table. It reads no body before its sender is known and limited.
"""
