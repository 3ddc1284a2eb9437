"""What two or more services need, in six rooms: language, telemetry, runtime, edge, operations, host.

Each room may import only from those before it in this order; import-linter holds them to it. None may import a service.
A rule of one service's own never stands here.
"""
