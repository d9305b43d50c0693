#!/usr/bin/env bash
# Fuzzes one target: tests/fuzz/run.sh TARGET SECONDS
#
# New inputs go to tests/fuzz/target/found/TARGET, failures to tests/fuzz/artifacts/TARGET. It needs cargo-fuzz, python3
# and openssl, and stable Rust alone. `tests/fuzz/run.sh TARGET 0` makes the kept corpus anew: of what is kept, what was
# found and the seeds, few small files that reach what all together reach.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$1 seconds=$2
fuzz=tests/fuzz
found=$fuzz/target/found/$target
kept=$fuzz/corpus/$target
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT

# The sanitizer and its coverage are unstable flags of rustc; this variable lets a stable one take them.
export RUSTC_BOOTSTRAP=1
# The crates are the ones that the program is built with.
cp Cargo.lock $fuzz/Cargo.lock
python3 $fuzz/seeds.py "$seeds"
mkdir -p "$found" "$kept"

run() {
    cargo fuzz run --fuzz-dir $fuzz "$target" "$@"
}

# Larger files reach nothing new; a run that takes longer, or more memory, is a failure.
limits=(-max_len=8192 -timeout=10 -rss_limit_mb=1024)
if [[ $seconds == 0 ]]; then
    smallest=$(mktemp -d)
    run "$smallest" -- -set_cover_merge=1 -use_counters=0 "${limits[@]}" -max_len=2048 "$kept" "$found" "$seeds/$target"
    rm -r "$kept"
    mv "$smallest" "$kept"
else
    run "$found" "$kept" "$seeds/$target" -- -max_total_time="$seconds" -dict=$fuzz/dictionary "${limits[@]}"
fi
