#!/bin/sh
# Starts MinIO on one folder, as process 1 of its container. It answers by TLS only. A folder of its data is a bucket.
#
# DRDRILL_BUCKET, DRDRILL_PORT
set -eu

CERTIFICATES=/drdrill/certificates
mkdir -p "/data/$DRDRILL_BUCKET" "$CERTIFICATES"
ln -sf /drdrill/mutual/node.crt "$CERTIFICATES/public.crt"
ln -sf /drdrill/mutual/node.key "$CERTIFICATES/private.key"
exec minio server --certs-dir "$CERTIFICATES" --address ":$DRDRILL_PORT" /data
