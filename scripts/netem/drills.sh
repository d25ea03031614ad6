# One drill for each fault that the kernel's emulator makes: prints the means, and what was asked and observed.
# A drill itself may be inconclusive here, since an emulated processor is slow; its fault must be seen, and be the
# emulator's, at one of three tries.
drill() {
    out=$(mktemp -d)
    sed "s/FAULT/$1/" drill.yaml >/tmp/drill.yaml
    ./drdrill run /tmp/drill.yaml --out "$out" >/tmp/said 2>&1
    echo "drill: exit code $?"
    find "$out" -name events.jsonl -exec cat {} + >/tmp/events
    grep -o '"means":"[^"]*"\|"effect":.*' /tmp/events || tail -n 20 /tmp/said
    grep -q '"means":"the kernel.s emulator (netem)' /tmp/events && grep -q '"state":"verified"' /tmp/events
}

seen=0
asked=0
while read -r fault; do
    asked=$((asked + 1))
    for _ in 1 2 3; do
        echo "drill: $fault"
        drill "$fault" </dev/null && seen=$((seen + 1)) && break
    done
done <<FAULTS
latency: { node: primary, to: clients, delay: 100ms }
latency: { node: primary, to: clients, delay: 200ms, jitter: 80ms }
latency: { node: primary, to: clients, delay: 200ms, jitter: 80ms, distribution: normal }
latency: { node: primary, to: clients, delay: 200ms, jitter: 80ms, distribution: pareto }
latency: { node: primary, to: replicas, delay: 100ms, ports: [6379] }
duplicate: { node: primary, to: clients, share: 20% }
corrupt: { node: primary, to: replicas, share: 20% }
reorder: { node: primary, share: 25%, hold: 100ms }
FAULTS
echo "machine: $seen of $asked faults were seen"
[ "$seen" != "$asked" ] || echo "machine: every fault was seen"
