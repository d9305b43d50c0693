#!/bin/sh
# What key and request cost, beside OpenSSL's own. Key generation is a matter of luck: medians over many
# runs, and the two in turn, so that both see the same machine.
#
#   csr.sh PUSHCERT [RUNS]        needs hyperfine and openssl
set -eu
pushcert=$(readlink -f "$1")
runs=${2:-40}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ours="$pushcert csr --email jo@example.com --name Jo --country DE"
theirs="openssl req -new -newkey rsa:2048 -nodes -sha256 -subj /emailAddress=jo@example.com/CN=Jo/C=DE -keyout o.key -out o.csr"
for round in $(seq "$runs"); do
    hyperfine --style none --shell none --runs 1 --export-json "$round.json" \
        --prepare 'rm -f push.key CertificateSigningRequest.certSigningRequest' "$ours" \
        --prepare 'rm -f o.key o.csr' "$theirs" > /dev/null 2>&1
done

# The medians in milliseconds, and their ratio.
column() {
    for round in $(seq "$runs"); do
        tr -d ' \n' < "$round.json" | grep -o '"median":[0-9.e-]*' | sed -n "$1s/.*://p"
    done | sort -g | awk '{ v[NR] = $1 } END { n = int((NR + 1) / 2); print 1000 * (v[n] + v[NR + 1 - n]) / 2 }'
}
ours=$(column 1)
theirs=$(column 2)
echo "$runs $ours $theirs" |
    awk '{ printf "%d pairs: pushcert csr %.1f ms, openssl req %.1f ms (medians), ratio %.3f\n", $1, $2, $3, $2 / $3 }'
