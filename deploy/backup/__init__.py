"""Backup and restore of the services' databases, and of the log where it and they no longer agree.

    python -m deploy.backup take FOLDER       all databases as they were at one moment, under traffic
    python -m deploy.backup restore FOLDER    put them back, and compare them with the log
    python -m deploy.backup check             compare the databases with the log; let services start where both agree
    python -m deploy.backup new-log FOLDER    make the log anew from the databases
    python -m deploy.backup renumber MOMENT   after another tool's restore: numbers of changes that nobody has read

An operator's tool: it reads no service's rules and needs the administrators of MongoDB and Kafka. Its procedure is
docs/operations/backup.md, which a test follows word by word. It may not run while services write, except `take`.

Environment: that of `deploy.database` (MONGODB_HOST, MONGODB_ADMIN_USERNAME, MONGODB_ADMIN_PASSWORD,
MONGODB_REPLICA_SET, MONGODB_CA_FILE) and of `deploy.topics` (KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL,
KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_CA_FILE). Exit status: 0 well, 1 the log and the databases do not agree,
2 wrongly typed or not possible.
"""
