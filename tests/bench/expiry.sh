#!/usr/bin/env bash
# `pushcert expiry` on the release build: how it grows, and beside what a user would type instead:
#     tests/bench/expiry.sh [PUSHCERT]
# Needs hyperfine, openssl, certinfo and two cores. Quote the medians and their ratio.
set -euo pipefail
cd "$(dirname "$0")/../.."
pushcert=$(realpath "${1:-target/release/pushcert}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$work" <<'PYTHON'
import base64, pathlib, sys, textwrap
work = pathlib.Path(sys.argv[1])
der = pathlib.Path("fixtures/der/universal.cer").read_bytes()
body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
p12 = pathlib.Path("fixtures/p12/keychain-password.p12").read_bytes()
for count in (1000, 10000, 100000):
    folder = work / str(count)
    folder.mkdir()
    for index in range(count):
        (folder / f"push-{index:06}.pem").write_text(pem)
(work / "p12").mkdir()
for index in range(1000):
    (work / "p12" / f"push-{index:04}.p12").write_bytes(p12)
PYTHON
cat >"$work/loop.sh" <<'LOOP'
for file in 1000/*.pem; do openssl x509 -checkend 604800 -noout -in "$file" >/dev/null; done
LOOP
cd "$work"
export P12_PASSWORD=push

medians() { # medians RUNS COMMAND…
    local runs=$1
    shift
    hyperfine --shell=none --warmup 1 --runs "$runs" --style none --export-json runs.json "$@" >/dev/null 2>&1
    python3 - <<'PYTHON'
import json
runs = json.load(open("runs.json"))["results"]
for run in runs:
    ratio = run["median"] / runs[0]["median"]
    print(f"  {run['median'] * 1000:9.2f} ms median, {run['user'] + run['system']:.3f} s CPU, ratio {ratio:.2f}  {run['command']}")
PYTHON
}

echo "How it grows"
for count in 1000 10000 100000; do
    medians 10 "$pushcert expiry $count"
    /usr/bin/time -f "            %M KiB peak" "$pushcert" expiry "$count" >/dev/null
done
echo "1,000 PEM files, beside certinfo"
medians 30 "$pushcert expiry 1000" "sh -c 'exec certinfo -expiry 1000/*.pem'"
echo "and beside the usual loop"
medians 3 "$pushcert expiry 1000" "sh loop.sh"
echo "1,000 Keychain exports, on two cores and on one"
medians 10 "taskset -c 0,1 $pushcert expiry p12 --passin env:P12_PASSWORD" \
    "taskset -c 0 $pushcert expiry p12 --passin env:P12_PASSWORD"
