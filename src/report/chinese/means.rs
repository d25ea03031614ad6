//! By which means faults are injected.

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const MEANS: &[(&str, &str)] = &[
    ("nothing was done", "没有做任何操作"),
    (
        "SIGKILL to the node's main process",
        "向节点的主进程发送 SIGKILL",
    ),
    (
        "SIGKILL to the node's main process, then a start",
        "向节点的主进程发送 SIGKILL，然后启动",
    ),
    (
        "SIGKILL to the node's main process, a start, and again",
        "向节点的主进程发送 SIGKILL、启动，如此反复",
    ),
    (
        "SIGKILL to the main processes of all nodes at once, then a start of all",
        "同时向所有节点的主进程发送 SIGKILL，然后全部启动",
    ),
    (
        "SIGKILL to the processes of one name inside the node",
        "向节点内同名的进程发送 SIGKILL",
    ),
    ("SIGSTOP to the node's process", "向节点的进程发送 SIGSTOP"),
    (
        "the image's stop signal to the node's main process",
        "向节点的主进程发送镜像的停止信号",
    ),
    ("the engine's freezer", "容器引擎的冻结功能"),
    (
        "the files deleted inside the node, and SIGKILL to its main process",
        "在节点内删除文件，并向其主进程发送 SIGKILL",
    ),
    (
        "4 KiB of a file overwritten with random bytes inside the node",
        "在节点内用随机字节覆盖一个文件的 4 KiB",
    ),
    ("a command given inside the node", "在节点内执行一条命令"),
    ("the node plays {} for {}", "节点模拟 {0}，持续 {1}"),
    ("the system's own planned move", "系统自身的按计划切换"),
    // Resources.
    (
        "the engine's limit of the node's CPU time (100 ms periods)",
        "容器引擎对节点 CPU 时间的限制（周期 100 ms）",
    ),
    (
        "the engine's limit of the node's memory",
        "容器引擎对节点内存的限制",
    ),
    (
        "the engine's limit of the node's memory, and the node's shared memory filled up to it",
        "容器引擎对节点内存的限制，并将节点的共享内存填满到该限制",
    ),
    (
        "the kernel's limit of open files, lowered for each process of the node (prlimit)",
        "降低内核对节点每个进程打开文件数的限制（prlimit）",
    ),
    (
        "a file system of drdrill's own (FUSE) between the server and its data folder, in place since the node started",
        "服务器与其数据目录之间由 drdrill 提供的文件系统（FUSE），自节点启动时即已就位",
    ),
    (
        "a library between the node's programs and their C library, by a file in the node",
        "位于节点的程序与其 C 库之间的一个库，由节点内的文件控制",
    ),
    (
        "a certificate of the run's own authority that has expired, for the server's own key, which the server was told to read",
        "由本次运行自己的 CA 为服务器自身密钥签发的已过期证书，并已令服务器读取",
    ),
    // The network.
    (
        "nftables in the node's network namespace",
        "节点网络命名空间中的 nftables",
    ),
    (
        "nftables `limit rate over` at the node that is connected to",
        "被连接节点上的 nftables `limit rate over`",
    ),
    (
        "nftables `numgen random` at the sending node",
        "发送节点上的 nftables `numgen random`",
    ),
    (
        "the kernel's emulator (netem) at the sending node's interface",
        "发送节点网络接口上的内核模拟器（netem）",
    ),
    (
        "traffic control (htb) at the sending node's interface",
        "发送节点网络接口上的流量控制（htb）",
    ),
    (
        "a user-space packet queue (NFQUEUE) at the sending node",
        "发送节点上的用户态数据包队列（NFQUEUE）",
    ),
    (
        "a name server of drdrill's own in the node's network, and the node's /etc/hosts without the names",
        "节点网络中由 drdrill 提供的域名服务器，且节点的 /etc/hosts 中去掉了这些名称",
    ),
    (
        "Toxiproxy's `{}` between the clients and the node",
        "客户端与节点之间 Toxiproxy 的 `{0}`",
    ),
    (
        "Toxiproxy's `{}` between the node and its followers",
        "节点与其跟随者之间 Toxiproxy 的 `{0}`",
    ),
    // Consumers.
    (
        "the driver's handle is destroyed: nothing is committed, no group is left",
        "销毁驱动程序的句柄：不提交位移，也不退出消费者组",
    ),
    (
        "the driver's handle is closed: it commits, and leaves its group",
        "关闭驱动程序的句柄：提交位移并退出消费者组",
    ),
];
