#!/bin/sh
# Starts one OpenSearch node as process 1 of its container.
#
# DRDRILL_HEAP              the heap, for instance 256m
# /drdrill/opensearch.yml   the node's settings, which take the place of the image's
#
# A restarted container finds its data again, and with it its cluster. The server refuses to run as root: whoever the
# image runs programs as may write its configuration.
set -eu

cd /usr/share/opensearch
cat /drdrill/opensearch.yml >config/opensearch.yml
# The official image has the security plugin, which wants certificates; a server without it does not know the setting.
if [ -d plugins/opensearch-security ]; then
    echo 'plugins.security.disabled: true' >>config/opensearch.yml
fi
export OPENSEARCH_JAVA_OPTS="-Xms${DRDRILL_HEAP:?} -Xmx${DRDRILL_HEAP}"
exec bin/opensearch
