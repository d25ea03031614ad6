//! The list of all faults: each has a file of this name here, and one in `src/fault/`.

/// Hands every fault, as `module: Type`, to a macro: the vocabulary and the actions are made of it.
macro_rules! for_each_fault {
    ($then:ident) => {
        $then! {
            kill: Kill,
            stop: Stop,
            pause: Pause,
            restart: Restart,
            crash_loop: CrashLoop,
            reboot: Reboot,
            clock_jump: ClockJump,
            clock_drift: ClockDrift,
            kill_process: KillProcess,
            wipe: Wipe,
            damage: Damage,
            disk_full: DiskFull,
            disk_quota: DiskQuota,
            disk_read_only: DiskReadOnly,
            disk_slow: DiskSlow,
            disk_errors: DiskErrors,
            lose_unsynced: LoseUnsynced,
            cpu: Cpu,
            memory: Memory,
            out_of_memory: OutOfMemory,
            descriptors: Descriptors,
            dns: Dns,
            certificate: Certificate,
            mistake: Mistake,
            partition: Partition,
            latency: Latency,
            loss: Loss,
            duplicate: Duplicate,
            corrupt: Corrupt,
            reorder: Reorder,
            bandwidth: Bandwidth,
            packet_limit: PacketLimit,
            reset: Reset,
            half_open: HalfOpen,
            slow_close: SlowClose,
            slice: Slice,
            limit_data: LimitData,
            stream_latency: StreamLatency,
            stream_bandwidth: StreamBandwidth,
            script: Script,
            noop: Noop,
        }
    };
}

pub(crate) use for_each_fault;
