#!/usr/bin/env python3
"""pushcert push to many tokens through a gateway that fails in every way, and killed at random moments.

    push_faults.py PUSHCERT [COUNT] [KILLS]

COUNT is the number of tokens (1000000), KILLS that of the moments (20). Each token has one outcome, the gateway's log
agrees, nothing is lost, and nothing is sent twice unsaid. Then four processes share the tokens, and one is killed.
"""
import sys
sys.dont_write_bytecode = True
from trial import *
import collections, random

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
# Of the faults that strike at once the gateway plays the first: the numbers have no common multiple below COUNT.
FAULTS = ["goaway:Shutdown@every=10000", "close-midway@every=49999,after=20000", "reset-tcp@every=177777,after=30000",
          "limit-streams:1@every=69997,for=500ms", "answer:ServiceUnavailable@rate=1%,seed=1",
          "answer:TooManyRequests@rate=1%,seed=2", "refuse-stream@rate=0.1%,seed=3"]


def tokens(count):
    path = WORK / f"tokens-{count}.txt"
    with open(path, "w") as file:
        for number in range(count):
            file.write(f"{(number + 1) * 0x9e3779b97f4a7c15 % (1 << 64):064x}\n")
    return path


def begin(count, *faults):
    """A gateway that knows the tokens; returns the arguments that lead to it, and its log."""
    list_file, log = tokens(count), WORK / f"log-{count}-{len(faults)}.jsonl"
    options = [word for fault in faults for word in ("--fault", fault)]
    process, ready = gateway("--tokens", list_file, "--log", log, *options)
    port = ready["address"].rpartition(":")[2]
    aim = ["push", ready["client_file"], "--gateway", f"localhost:{port}", "--ca-file", ready["ca_file"], "--alert", "Hello", "--tokens",
           list_file]
    return process, [str(word) for word in aim], log


def answers(log):
    """The statuses that each token got."""
    found = collections.defaultdict(list)
    with open(log) as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["event"] == "request":
                found[entry["token"]].append(entry["answer"]["status"])
    return found


def outcomes(results):
    """The last line of each position, and the number of lines that replaced an earlier one."""
    found, replaced = {}, 0
    with open(results) as lines:
        for line in lines:
            entry = json.loads(line)
            if "position" in entry:
                replaced += entry["position"] in found
                found[entry["position"]] = (entry["token"], entry["outcome"], entry.get("detail"))
    return found, replaced


def compare(name, count, found, log):
    taken = answers(log)
    expect(f"{name}: one outcome a token", len(found), count)
    wrong = collections.Counter()
    for token, outcome, detail in found.values():
        good = taken[token].count(200)
        if outcome == "accepted" and good != 1:
            wrong[f"accepted, and logged {good} times"] += 1
        elif outcome == "unknown" and good > 1:
            wrong["unknown, and sent twice"] += 1
        elif outcome == "unknown" and "broke" not in detail and "earlier run" not in detail:
            wrong[f"unknown without a cut: {detail}"] += 1
        elif outcome not in ("accepted", "unknown"):
            wrong[outcome] += 1
    expect(f"{name}: the gateway's log agrees", dict(wrong), {})
    print(f"      {dict(collections.Counter(outcome for _, outcome, _ in found.values()))}", flush=True)


process, aim, log = begin(COUNT, *FAULTS)
results = WORK / "results.ndjson"
start = time.time()
done = subprocess.run([PUSHCERT, *aim, "--results", str(results), "--connections", "2"], capture_output=True, text=True)
print(f"      {COUNT} tokens in {time.time() - start:.1f} s", flush=True)
time.sleep(1)
found, replaced = outcomes(results)
compare("all faults at once", COUNT, found, log)
expect("all faults at once: connections were cut", any(outcome == "unknown" for _, outcome, _ in found.values()), True)
expect("all faults at once: no second outcome", replaced, 0)
stop(process)

count = COUNT // 5
process, aim, log = begin(count)
results = WORK / "killed.ndjson"
random.seed(7)
for number in range(KILLS):
    how = ["--resume" if results.exists() else "--results", str(results)]
    pusher = subprocess.Popen([PUSHCERT, *aim, *how, "--rate", str(count // 4)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0.02, 0.35))
    pusher.kill()
    pusher.wait()
done = subprocess.run([PUSHCERT, *aim, "--resume" if results.exists() else "--results", str(results)], capture_output=True, text=True)
time.sleep(1)
found, replaced = outcomes(results)
compare(f"killed {KILLS} times", count, found, log)
expect(f"killed {KILLS} times: no second outcome", replaced, 0)
expect(f"killed {KILLS} times: nothing was sent twice", max(map(len, answers(log).values())), 1)
stop(process)

SHARDS, KILLED = 4, 2
process, aim, log = begin(count // 2)
results = [WORK / f"shard-{shard}.ndjson" for shard in range(SHARDS)]


def start_shard(shard, how, *more):
    command = [PUSHCERT, *aim, "--shard", f"{shard}/{SHARDS}", how, str(results[shard]), *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


pushers = [start_shard(shard, "--results", "--rate", str(count // 8)) for shard in range(SHARDS)]
while not results[KILLED].exists() or results[KILLED].stat().st_size < 20_000:
    time.sleep(0.02)
pushers[KILLED].kill()
codes = [pusher.wait(timeout=300) for pusher in pushers]
expect("four shards: those that live accept all", [code for shard, code in enumerate(codes) if shard != KILLED], [0, 0, 0])
settled = sum(line.count('"outcome"') for line in open(results[KILLED]))
expect("four shards: the killed one has begun and not ended", 0 < settled < count // 2 // SHARDS * 0.95, True)
start_shard(KILLED, "--resume").wait(timeout=300)
time.sleep(1)
found = {}
for shard in range(SHARDS):
    own, replaced = outcomes(results[shard])
    expect(f"four shards: no second outcome in shard {shard}", replaced, 0)
    expect(f"four shards: shard {shard} shares no token", len(found.keys() & own.keys()), 0)
    found |= own
compare("four shards, one killed and resumed", count // 2, found, log)
expect("four shards: nothing was sent twice", max(map(len, answers(log).values())), 1)
finish()
