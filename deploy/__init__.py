"""How the platform is put up in production: topics, quotas, database users, secrets, each orchestrator's files.

It may import the runtime's names of collections, and MongoDB's and Kafka's clients. It may never import a service, and
no service may import it: services know their surroundings from environment variables only.
"""
