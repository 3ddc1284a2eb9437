"""The rules of intake: the referral and its answers, consent, the loop back, participants, programmes.

Values in, values out. Nothing here may know of HTTP, Kafka, MongoDB, a clock or chance: moments, ids and sealed
identities come in as arguments.
"""
