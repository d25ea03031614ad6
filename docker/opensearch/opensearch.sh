#!/bin/sh
# Starts OpenSearch in the foreground, as the official launcher does: settings from config/, more options for the
# virtual machine from OPENSEARCH_JAVA_OPTS. One node of three on a small machine: no optimising compiler.
set -eu
cd /usr/share/opensearch
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt 65535 ]; then
    echo "the engine lets a node open $(ulimit -n) files; the server, which asks for 65535, is told that it may"
    export LD_PRELOAD=/usr/share/opensearch/lib/open_files.so
fi
# shellcheck disable=SC2086
exec java -XX:+UseG1GC -XX:TieredStopAtLevel=1 -Xshare:auto -Xlog:cds=off \
    --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -javaagent:agent/opensearch-agent-3.8.0.jar \
    -Dopensearch.path.home=/usr/share/opensearch -Dopensearch.path.conf=/usr/share/opensearch/config \
    -Djna.nosys=true -Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true \
    ${OPENSEARCH_JAVA_OPTS:-} -cp 'lib/*' org.opensearch.bootstrap.OpenSearch "$@"
