#!/bin/sh
# Sends one notification through APNs. Needs curl with HTTP/2 (curl --version lists HTTP2).
#     sh push.sh DEVICE_TOKEN
set -eu
token=${1:?usage: sh push.sh DEVICE_TOKEN}

# 200 means that APNs has accepted it; else the answer has the reason. 410: forget the token.
curl --http2 --silent --show-error --fail-with-body --max-time 10 \
    --cert {{cert}} \
    --cacert {{ca_file}} \
    --header 'apns-topic: {{topic}}' \
    --header 'apns-push-type: {{push_type}}' \
    --data '{"aps":{"alert":{"title":"Hello","body":"It works"},"sound":"default"}}' \
    --write-out '%{http_code}\n' \
    "https://{{gateway}}/3/device/$token"
