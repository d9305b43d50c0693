#!/usr/bin/env bash
# Whole commands on the release build, in turn with what a user would type instead:
#     tests/bench/convert.sh [PUSHCERT [RUNS]]
# Needs openssl (with its legacy provider), certtool and GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."
pushcert=${1:-target/release/pushcert}
runs=${2:-200}
p12=fixtures/p12/keychain.p12
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# As it is installed: what a linker wrote, a page here and a page there, is slower to map until it is read from the disk.
cp "$pushcert" "$folder/pushcert"
pushcert=$folder/pushcert
"$pushcert" convert "$p12" -o "$folder/push.pem" 2>/dev/null

echo "convert a Keychain export"
tests/bench/pairs.py "$runs" \
    "$pushcert convert $p12" \
    "openssl pkcs12 -legacy -nodes -clcerts -passin pass: -in $p12" \
    "certtool --p12-info --inder --infile $p12 --password="
echo "inspect one PEM"
tests/bench/pairs.py "$runs" \
    "$pushcert inspect $folder/push.pem" \
    "certtool -i --infile $folder/push.pem" \
    "openssl x509 -text -noout -in $folder/push.pem"
