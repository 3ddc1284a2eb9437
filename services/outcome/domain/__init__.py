"""The rules of outcome, pure: `journey` (what is kept, and what others say), `entry`, `leaving`, `follow_up`.

No Flask, Kafka, MongoDB, clock or chance in here.
"""
