"""How the platform is put up: topics, database users, and the local stack.

Nothing here may import a service; services know their surroundings from environment variables only.
"""
