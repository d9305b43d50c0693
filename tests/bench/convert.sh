#!/usr/bin/env bash
# Whole commands on the release build, in turn with what a user would type instead:
#     tests/bench/convert.sh [PUSHCERT]
# Needs hyperfine, openssl (with its legacy provider) and certtool. Quote the medians and their ratio.
set -euo pipefail
cd "$(dirname "$0")/../.."
pushcert=${1:-target/release/pushcert}
p12=fixtures/p12/keychain.p12
pem=$(mktemp)
trap 'rm -f "$pem" "$pem.json"' EXIT
"$pushcert" convert "$p12" --force -o "$pem" 2>/dev/null

compare() { # compare TITLE OURS THEIRS…
    echo "$1"
    shift
    hyperfine --shell=none --warmup 10 --runs 200 --style none --export-json "$pem.json" "$@" >/dev/null 2>&1
    python3 - "$pem.json" <<'PYTHON'
import json, sys
runs = json.load(open(sys.argv[1]))["results"]
for run in runs:
    ratio = runs[0]["median"] / run["median"]
    print(f"  {run['median'] * 1000:7.2f} ms median, ratio {ratio:.2f}  {run['command']}")
PYTHON
    local command
    for command in "$@"; do
        # shellcheck disable=SC2086 # the command is split into words as hyperfine splits it
        /usr/bin/time -f "  %M KiB peak  $command" $command 2>&1 >/dev/null | tail -n 1
    done
}

compare "convert a Keychain export" \
    "$pushcert convert $p12" \
    "openssl pkcs12 -legacy -nodes -clcerts -passin pass: -in $p12" \
    "certtool --p12-info --inder --infile $p12 --password="
compare "inspect one PEM" \
    "$pushcert inspect $pem" \
    "certtool -i --infile $pem" \
    "openssl x509 -text -noout -in $pem"
