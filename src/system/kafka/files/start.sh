#!/bin/sh
# Starts one Kafka node, broker and controller in one process, as process 1 of its container.
#
# DRDRILL_CLUSTER_ID  the cluster's id, the same on every node
# DRDRILL_HEAP        the largest heap, for instance 256m
# DRDRILL_ADDRESS     the node's own address
# DRDRILL_JMX_PORT    where JMX listens, for an exporter
#
# The node's configuration is /drdrill/server.properties. The data directory is formatted when it is empty;
# a restarted container finds its data again. The archives of classes belong to the image; where they are
# missing or do not fit the jars, the virtual machine starts without them.
set -eu

DATA=/var/lib/kafka/data
CONFIGURATION=/drdrill/server.properties
CLASSPATH=$(printf '%s:' /opt/kafka/libs/*.jar)
# One node of three on a small machine: no parallel collector, no optimising compiler.
JAVA="java -Xmx${DRDRILL_HEAP:-256m} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off -Dlog4j2.configurationFile=/drdrill/log4j2.properties"

if [ ! -s "$DATA/meta.properties" ]; then
    # shellcheck disable=SC2086
    $JAVA -XX:SharedArchiveFile=/opt/kafka/storage.jsa -cp "$CLASSPATH" \
        kafka.tools.StorageTool format -t "${DRDRILL_CLUSTER_ID:?}" -c "$CONFIGURATION"
fi
JMX="-Dcom.sun.management.jmxremote.port=${DRDRILL_JMX_PORT:?} -Dcom.sun.management.jmxremote.rmi.port=${DRDRILL_JMX_PORT} -Djava.rmi.server.hostname=${DRDRILL_ADDRESS:?} -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false"
# shellcheck disable=SC2086
exec $JAVA $JMX -XX:SharedArchiveFile=/opt/kafka/kafka.jsa -cp "$CLASSPATH" kafka.Kafka "$CONFIGURATION"
