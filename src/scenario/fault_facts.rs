//! What holds of every fault: its name, whom it names, when it ends.

use super::{Disk, DiskOperation, Dur, Fault, Flow, Path, Reach, Selector, Stream, StreamLink};

/// Every fault by its name in a file, with what it does.
pub const FAULTS: &[(&str, &str)] = &[
    (
        "kill",
        "ends a node's processes at once, as a power loss would",
    ),
    (
        "stop",
        "ends a node in an orderly way, as maintenance would",
    ),
    (
        "pause",
        "freezes a node: connections stay open, nothing answers",
    ),
    ("restart", "kills a node and starts it again at once"),
    ("crash-loop", "kills a node again and again"),
    (
        "reboot",
        "takes the power from machines at once, such as a whole region, and gives it back after a while",
    ),
    ("clock-jump", "lets a node's clock jump"),
    ("clock-drift", "lets a node's clock go at a wrong rate"),
    (
        "kill-process",
        "kills one process inside a node, such as the database and not its agent",
    ),
    (
        "wipe",
        "deletes a node's files and kills it: it comes back without them",
    ),
    ("damage", "overwrites a part of a file under a running node"),
    (
        "disk-full",
        "leaves no room on the disk under a node's data",
    ),
    (
        "disk-read-only",
        "lets nothing on the disk under a node's data be changed",
    ),
    ("disk-slow", "makes the disk under a node's data slow"),
    (
        "disk-errors",
        "lets operations of the disk under a node's data fail",
    ),
    (
        "lose-unsynced",
        "loses what was written and not synced when the node ends",
    ),
    ("cpu", "gives a node little CPU time"),
    ("memory", "gives a node little memory"),
    (
        "out-of-memory",
        "uses up a node's memory: the kernel kills a process",
    ),
    (
        "descriptors",
        "leaves a node's processes no file descriptors: no new connections, no new files",
    ),
    (
        "dns",
        "lets names come to nothing, to a wrong address, or late, for one node",
    ),
    (
        "certificate",
        "lets a server present a certificate that has expired: connections stay, new ones fail",
    ),
    (
        "mistake",
        "lets an operator give a command that does harm, and shows the harm",
    ),
    ("partition", "drops packets between nodes"),
    ("latency", "makes the packets that a node sends late"),
    ("loss", "drops some of the packets that a node sends"),
    ("duplicate", "sends some of a node's packets twice"),
    (
        "corrupt",
        "changes a bit in some of the packets that a node sends",
    ),
    (
        "reorder",
        "lets the packets that a node sends overtake each other",
    ),
    (
        "bandwidth",
        "lets only so many bits a second of what a node sends pass",
    ),
    ("reset", "resets connections that pass a proxy"),
    (
        "half-open",
        "swallows what is sent through a proxy: connections stay open",
    ),
    ("slow-close", "closes connections that pass a proxy late"),
    ("slice", "passes bytes on in small pieces"),
    (
        "limit-data",
        "closes a connection once so many bytes have passed",
    ),
    ("stream-latency", "makes the bytes of connections late"),
    (
        "stream-bandwidth",
        "lets only so many bits a second of each connection pass",
    ),
    (
        "script",
        "lets a node of the reference store play an outage of known length",
    ),
    ("noop", "changes nothing: the control run"),
];

impl Fault {
    /// Its name in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Stop(_) => "stop",
            Self::Pause(_) => "pause",
            Self::Restart(_) => "restart",
            Self::CrashLoop(_) => "crash-loop",
            Self::Reboot(_) => "reboot",
            Self::ClockJump(_) => "clock-jump",
            Self::ClockDrift(_) => "clock-drift",
            Self::KillProcess(_) => "kill-process",
            Self::Wipe(_) => "wipe",
            Self::Damage(_) => "damage",
            Self::DiskFull(_) => "disk-full",
            Self::DiskReadOnly(_) => "disk-read-only",
            Self::DiskSlow(_) => "disk-slow",
            Self::DiskErrors(_) => "disk-errors",
            Self::LoseUnsynced(_) => "lose-unsynced",
            Self::Cpu(_) => "cpu",
            Self::Memory(_) => "memory",
            Self::OutOfMemory(_) => "out-of-memory",
            Self::Descriptors(_) => "descriptors",
            Self::Dns(_) => "dns",
            Self::Certificate(_) => "certificate",
            Self::Mistake(_) => "mistake",
            Self::Partition(_) => "partition",
            Self::Latency(_) => "latency",
            Self::Loss(_) => "loss",
            Self::Duplicate(_) => "duplicate",
            Self::Corrupt(_) => "corrupt",
            Self::Reorder(_) => "reorder",
            Self::Bandwidth(_) => "bandwidth",
            Self::Reset(_) => "reset",
            Self::HalfOpen(_) => "half-open",
            Self::SlowClose(_) => "slow-close",
            Self::Slice(_) => "slice",
            Self::LimitData(_) => "limit-data",
            Self::StreamLatency(_) => "stream-latency",
            Self::StreamBandwidth(_) => "stream-bandwidth",
            Self::Script(_) => "script",
            Self::Noop => "noop",
        }
    }

    /// The path whose packets it treats badly, if it does that.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Latency(latency) => Some(&latency.path),
            Self::Loss(share) | Self::Duplicate(share) | Self::Corrupt(share) => Some(&share.path),
            Self::Reorder(reorder) => Some(&reorder.path),
            Self::Bandwidth(bandwidth) => Some(&bandwidth.path),
            _ => None,
        }
    }

    /// The disk that it spoils, if it does that.
    pub fn disk(&self) -> Option<&Disk> {
        match self {
            Self::DiskFull(disk) | Self::DiskReadOnly(disk) | Self::LoseUnsynced(disk) => {
                Some(disk)
            }
            Self::DiskSlow(slow) => Some(&slow.disk),
            Self::DiskErrors(failing) => Some(&failing.disk),
            _ => None,
        }
    }

    /// The streams that it disturbs, if it does that.
    pub fn stream(&self) -> Option<&Stream> {
        match self {
            Self::Reset(reset) => Some(&reset.stream),
            Self::HalfOpen(open) => Some(&open.stream),
            Self::SlowClose(slow) => Some(&slow.stream),
            Self::Slice(slice) => Some(&slice.stream),
            Self::LimitData(limit) => Some(&limit.stream),
            Self::StreamLatency(late) => Some(&late.stream),
            Self::StreamBandwidth(narrow) => Some(&narrow.stream),
            _ => None,
        }
    }

    /// Whom it is aimed at, with the key that says so.
    pub fn aimed(&self) -> Vec<(&'static str, &Selector)> {
        match self {
            Self::Kill(v) | Self::Stop(v) | Self::Pause(v) | Self::Restart(v) => {
                vec![("node", &v.node)]
            }
            Self::CrashLoop(crash) => vec![("node", &crash.node)],
            Self::Reboot(reboot) => vec![("node", &reboot.node)],
            Self::ClockJump(jump) => vec![("node", &jump.node)],
            Self::ClockDrift(drift) => vec![("node", &drift.node)],
            Self::KillProcess(kill) => vec![("node", &kill.node)],
            Self::Wipe(stored) | Self::Damage(stored) => vec![("node", &stored.node)],
            Self::DiskFull(_)
            | Self::DiskReadOnly(_)
            | Self::DiskSlow(_)
            | Self::DiskErrors(_)
            | Self::LoseUnsynced(_) => self
                .disk()
                .map(|disk| ("node", &disk.node))
                .into_iter()
                .collect(),
            Self::Cpu(cpu) => vec![("node", &cpu.node)],
            Self::Memory(memory) => vec![("node", &memory.node)],
            Self::OutOfMemory(starved) => vec![("node", &starved.node)],
            Self::Descriptors(few) => vec![("node", &few.node)],
            Self::Dns(dns) => vec![("node", &dns.node)],
            Self::Certificate(certificate) => vec![("node", &certificate.node)],
            Self::Mistake(mistake) => vec![("node", &mistake.node)],
            Self::Script(script) => vec![("node", &script.node)],
            Self::Partition(partition) => {
                let between = partition
                    .between
                    .iter()
                    .map(|(first, _)| ("between", first));
                let isolated = partition.isolate.iter().map(|node| ("isolate", node));
                isolated.chain(between).collect()
            }
            Self::Noop => Vec::new(),
            Self::Latency(_)
            | Self::Loss(_)
            | Self::Duplicate(_)
            | Self::Corrupt(_)
            | Self::Reorder(_)
            | Self::Bandwidth(_) => self
                .path()
                .map(|path| ("node", &path.node))
                .into_iter()
                .collect(),
            Self::Reset(_)
            | Self::HalfOpen(_)
            | Self::SlowClose(_)
            | Self::Slice(_)
            | Self::LimitData(_)
            | Self::StreamLatency(_)
            | Self::StreamBandwidth(_) => self
                .stream()
                .map(|stream| ("node", &stream.node))
                .into_iter()
                .collect(),
        }
    }

    /// Everyone whom it names, with the key that does.
    pub fn named(&self) -> Vec<(&'static str, &Selector)> {
        let mut named = self.aimed();
        if let Self::Partition(partition) = self {
            let between = partition.between.iter();
            named.extend(between.map(|(_, second)| ("between", second)));
        }
        if let Some(Reach::Nodes(selector)) = self.path().map(|path| &path.to) {
            named.push(("to", selector));
        }
        named
    }

    /// After which time it ends by itself.
    pub fn lasting(&self) -> Option<Dur> {
        match self {
            Self::Pause(victim) => victim.lasting,
            Self::CrashLoop(crash) => crash.lasting,
            Self::Partition(partition) => partition.lasting,
            Self::Cpu(cpu) => cpu.lasting,
            Self::Memory(memory) => memory.lasting,
            Self::Descriptors(few) => few.lasting,
            Self::Dns(dns) => dns.lasting,
            Self::Certificate(certificate) => certificate.lasting,
            Self::ClockJump(jump) => jump.lasting,
            Self::ClockDrift(drift) => drift.lasting,
            _ => {
                let path = self.path().and_then(|path| path.lasting);
                let stream = || self.stream().and_then(|stream| stream.lasting);
                let disk = || self.disk().and_then(|disk| disk.lasting);
                path.or_else(stream).or_else(disk)
            }
        }
    }

    /// Whether it may end a node's server from inside, by the kernel's or a tool's signal.
    pub fn ends_inside(&self) -> bool {
        match self {
            Self::KillProcess(_)
            | Self::Wipe(_)
            | Self::Damage(_)
            | Self::DiskFull(_)
            | Self::DiskReadOnly(_)
            | Self::DiskSlow(_)
            | Self::DiskErrors(_)
            | Self::LoseUnsynced(_)
            | Self::Memory(_)
            | Self::OutOfMemory(_)
            | Self::Descriptors(_)
            | Self::Mistake(_)
            | Self::Script(_) => true,
            Self::Kill(_)
            | Self::Stop(_)
            | Self::Pause(_)
            | Self::Restart(_)
            | Self::CrashLoop(_)
            | Self::Reboot(_)
            | Self::ClockJump(_)
            | Self::ClockDrift(_)
            | Self::Cpu(_)
            | Self::Dns(_)
            | Self::Certificate(_)
            | Self::Partition(_)
            | Self::Latency(_)
            | Self::Loss(_)
            | Self::Duplicate(_)
            | Self::Corrupt(_)
            | Self::Reorder(_)
            | Self::Bandwidth(_)
            | Self::Reset(_)
            | Self::HalfOpen(_)
            | Self::SlowClose(_)
            | Self::Slice(_)
            | Self::LimitData(_)
            | Self::StreamLatency(_)
            | Self::StreamBandwidth(_)
            | Self::Noop => false,
        }
    }

    /// Whether something is left to heal once it has struck.
    pub fn lasts(&self) -> bool {
        match self {
            Self::Restart(_)
            | Self::Reboot(_)
            | Self::KillProcess(_)
            | Self::Damage(_)
            | Self::Mistake(_)
            | Self::Script(_)
            | Self::Noop => false,
            Self::Kill(_) | Self::Stop(_) | Self::Wipe(_) | Self::OutOfMemory(_) => true,
            _ => self.lasting().is_none(),
        }
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::Kill(victim) => format!("kill the {}", victim.node),
            Self::Stop(victim) => format!("stop the {}", victim.node),
            Self::Pause(victim) => format!("pause the {}", victim.node),
            Self::Restart(victim) => format!("restart the {}", victim.node),
            Self::CrashLoop(crash) => {
                format!("kill the {} again after every {}", crash.node, crash.every)
            }
            Self::Reboot(reboot) => {
                format!("reboot {}, {} without power", reboot.node, reboot.down)
            }
            Self::ClockJump(jump) => jump.title(),
            Self::ClockDrift(drift) => drift.title(),
            Self::KillProcess(kill) => format!("kill {} on the {}", kill.process, kill.node),
            Self::Wipe(wiped) => format!("wipe {} on the {}", wiped.path, wiped.node),
            Self::Damage(bad) => format!("damage {} on the {}", bad.path, bad.node),
            Self::DiskFull(_)
            | Self::DiskReadOnly(_)
            | Self::DiskSlow(_)
            | Self::DiskErrors(_)
            | Self::LoseUnsynced(_) => self.disk_title(),
            Self::Cpu(cpu) => cpu.title(),
            Self::Memory(memory) => memory.title(),
            Self::OutOfMemory(starved) => starved.title(),
            Self::Descriptors(few) => few.title(),
            Self::Dns(dns) => dns.title(),
            Self::Certificate(certificate) => certificate.title(),
            Self::Mistake(mistake) => format!("run `{}` on the {}", mistake.run, mistake.node),
            Self::Script(script) => format!(
                "let the {} play {} for {}",
                script.node, script.how, script.lasting
            ),
            Self::Partition(partition) => match (&partition.isolate, &partition.between) {
                (Some(node), _) => format!("isolate the {node}"),
                (None, Some((one, other))) => format!("cut {one} off from {other}"),
                (None, None) => "partition".into(),
            },
            Self::Noop => "do nothing: the control".into(),
            Self::Latency(latency) => format!("{} are {} late", sent(&latency.path), latency.delay),
            Self::Loss(loss) => format!("{} of {} are lost", loss.share, sent(&loss.path)),
            Self::Duplicate(twice) => {
                format!("{} of {} are sent twice", twice.share, sent(&twice.path))
            }
            Self::Corrupt(bad) => format!("{} of {} are damaged", bad.share, sent(&bad.path)),
            Self::Reorder(late) => format!("{} of {} are overtaken", late.share, sent(&late.path)),
            Self::Bandwidth(slow) => format!("{} have {}", sent(&slow.path), slow.limit),
            Self::Reset(reset) => format!("{} are reset", streams(&reset.stream)),
            Self::HalfOpen(open) => format!("{} are half open", streams(&open.stream)),
            Self::SlowClose(slow) => {
                format!("{} close {} late", streams(&slow.stream), slow.delay)
            }
            Self::Slice(slice) => {
                format!(
                    "{} pass in pieces of {}",
                    streams(&slice.stream),
                    slice.size
                )
            }
            Self::LimitData(limit) => {
                format!("{} end after {} bytes", streams(&limit.stream), limit.bytes)
            }
            Self::StreamLatency(late) => {
                format!("{} are {} late", streams(&late.stream), late.delay)
            }
            Self::StreamBandwidth(narrow) => {
                format!("{} have {} each", streams(&narrow.stream), narrow.limit)
            }
        }
    }

    fn disk_title(&self) -> String {
        let of = self.disk().map_or_else(String::new, |disk| {
            format!("on the disk of the {}", disk.node)
        });
        match self {
            Self::DiskFull(_) => format!("leave no room {of}"),
            Self::DiskReadOnly(_) => format!("let nothing {of} be changed"),
            Self::DiskSlow(slow) => {
                let operations = operations(&slow.operations);
                format!("each {operations} {of} takes {} longer", slow.delay)
            }
            Self::DiskErrors(failing) => {
                let operations = operations(&failing.operations);
                format!("{} of each {operations} {of} fails", failing.share)
            }
            _ => format!("what was not synced {of} is lost when its node ends"),
        }
    }
}

fn streams(stream: &Stream) -> String {
    let whose = match stream.link {
        StreamLink::Clients => "clients' connections to",
        StreamLink::Replication => "replication from",
    };
    let flow = match stream.direction {
        Flow::Down => "down",
        Flow::Up => "up",
        Flow::Both => "both ways",
    };
    format!("{whose} {} ({flow})", stream.node)
}

fn operations(operations: &[DiskOperation]) -> String {
    let names: Vec<String> = operations.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

fn sent(path: &Path) -> String {
    format!("packets from {} to {}", path.node, path.to)
}
