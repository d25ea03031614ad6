# One drill for each fault that the kernel's emulator makes: prints the means, and what was asked and observed.
# A drill itself may be inconclusive here, since an emulated processor is slow; its fault must be seen, and be the emulator's.
seen=0
asked=0
while read -r fault; do
    asked=$((asked + 1))
    sed "s/FAULT/$fault/" drill.yaml >/tmp/drill.yaml
    echo "drill: $fault"
    ./drdrill run /tmp/drill.yaml --out "/tmp/reports/$asked" >/tmp/said 2>&1
    echo "drill: exit code $?"
    events=$(find "/tmp/reports/$asked" -name events.jsonl)
    # shellcheck disable=SC2086 # none, where the drill did not begin
    grep -oh '"means":"[^"]*"\|"effect":.*' $events || tail -n 20 /tmp/said
    # shellcheck disable=SC2086
    grep -q '"means":"the kernel.s emulator (netem)' $events && grep -q '"state":"verified"' $events && seen=$((seen + 1))
done <<FAULTS
latency: { node: primary, to: clients, delay: 100ms }
latency: { node: primary, to: clients, delay: 100ms, jitter: 40ms }
latency: { node: primary, to: clients, delay: 100ms, jitter: 40ms, distribution: normal }
latency: { node: primary, to: clients, delay: 100ms, jitter: 40ms, distribution: pareto }
latency: { node: primary, to: replicas, delay: 100ms, ports: [6379] }
duplicate: { node: primary, to: clients, share: 20% }
corrupt: { node: primary, to: replicas, share: 20% }
reorder: { node: primary, share: 25%, hold: 100ms }
FAULTS
echo "machine: $seen of $asked faults were seen"
[ "$seen" != "$asked" ] || echo "machine: every fault was seen"
