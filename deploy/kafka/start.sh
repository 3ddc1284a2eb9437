#!/bin/bash
# In place of the image's own entrypoint, which cannot make the first administrator: without one, nobody could
# ever log in to a broker that is closed from its first start. Formatting what is formatted changes nothing.
set -euo pipefail

# In a file of arguments, one a line: a command line can be read by every process of the machine.
arguments=$(mktemp)
printf '%s\n' format --ignore-formatted \
  --cluster-id="$KAFKA_CLUSTER_ID" \
  --config /etc/journeys/server.properties \
  --add-scram "SCRAM-SHA-512=[name=admin,password=$KAFKA_PASSWORD_ADMIN]" > "$arguments"
/opt/kafka/bin/kafka-storage.sh "@$arguments"
rm "$arguments"

exec /opt/kafka/bin/kafka-server-start.sh /etc/journeys/server.properties
