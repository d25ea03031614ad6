"""Runs in a node's network namespace: holds, copies, damages and lets go the packets that the kernel hands it.

It takes the shapes in force as one JSON line on standard input and answers each line with one on standard
output. It ends when its input ends; the kernel then lets all packets pass.
"""
import heapq, json, os, random, select, socket, struct, sys, time

QUEUE, MARK = 28613, 0xDD1
FLOWS = 4096  # connections whose last packet is remembered, before those are forgotten whose is gone
COPY, BIND, ACCEPT, FAIL_OPEN = 2, 1, 1, 1
PACKET, VERDICT, CONFIG = 3 << 8, 3 << 8 | 1, 3 << 8 | 2


def attribute(kind, body):
    return struct.pack("=HH", 4 + len(body), kind) + body + b"\0" * (-len(body) % 4)


class Kernel:
    """The kernel's packet queue over netlink."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.socket.setsockopt(270, 5, 1)  # a full buffer loses packets and is no error
        self.copies = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.copies.setsockopt(socket.SOL_SOCKET, 36, MARK)
        self.configure(attribute(1, struct.pack(">BBH", BIND, 0, 0)))
        self.configure(attribute(2, struct.pack(">IB", 0xFFFF, COPY)))
        self.configure(attribute(3, struct.pack(">I", 16384)))
        self.configure(attribute(4, struct.pack(">I", FAIL_OPEN)) + attribute(5, struct.pack(">I", FAIL_OPEN)))
        self.socket.setblocking(False)

    def message(self, kind, flags, body):
        body = struct.pack(">BBH", 0, 0, QUEUE) + body
        return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body

    def configure(self, body):
        self.socket.send(self.message(CONFIG, 5, body))
        answer = self.socket.recv(4096)
        code = struct.unpack_from("=i", answer, 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))

    def release(self, packet, payload=None):
        body = attribute(2, struct.pack(">II", ACCEPT, packet))
        if payload is not None:
            body += attribute(10, payload)
        try:
            self.socket.send(self.message(VERDICT, 1, body))
        except OSError:
            pass  # the packet is gone

    def copy(self, payload):
        try:
            self.copies.sendto(payload, (socket.inet_ntoa(payload[16:20]), 0))
        except OSError:
            pass

    def packets(self):
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except OSError:
                return
            at = 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == PACKET:
                    yield self.read(data[at + 20 : at + length])
                at += (length + 3) & ~3

    @staticmethod
    def read(data):
        number, payload, at = 0, b"", 0
        while at + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            body = data[at + 4 : at + length]
            if kind & 0x3FFF == 1:
                number = struct.unpack_from(">I", body)[0]
            elif kind & 0x3FFF == 10:
                payload = body
            at += (length + 3) & ~3
        return number, payload


def flip(payload):
    """Changes one random bit behind the network header; no checksum is put right."""
    start = (payload[0] & 15) * 4
    if len(payload) <= start:
        return payload
    damaged = bytearray(payload)
    damaged[random.randrange(start, len(payload))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def flow(payload):
    """What tells a packet's connection: protocol, addresses, ports."""
    start = (payload[0] & 15) * 4
    return payload[9:10] + payload[12 : 20] + payload[start : start + 4]


def spread(distribution):
    """How far a packet is from its delay, in jitters."""
    if distribution == "normal":
        return max(-4, min(4, random.gauss(0, 1)))
    if distribution == "pareto":
        return min(4, ((1 - random.random()) ** (-1 / 3) - 1.5) * 4 / 3)
    return random.uniform(-1, 1)


class Line:
    """Packets on their way: each packet is let go when its time has come."""

    def __init__(self, kernel):
        self.kernel, self.shapes, self.held, self.count, self.last = kernel, [], [], 0, {}

    def shape_of(self, payload):
        to = socket.inet_ntoa(payload[16:20])
        start = (payload[0] & 15) * 4
        ported = payload[9] in (6, 17) and len(payload) >= start + 4
        ports = struct.unpack_from(">HH", payload, start) if ported else ()
        for shape in self.shapes:
            wanted = shape["ports"]
            if to in shape["to"] and (not wanted or any(port in wanted for port in ports)):
                yield shape

    def in_order(self, now, due, connection):
        """The time at which a packet of a connection may go at the earliest: none overtakes the one before it."""
        if len(self.last) > FLOWS:
            self.last = {one: time for one, time in self.last.items() if time > now}
        due = self.last[connection] = max(due, self.last.get(connection, 0))
        return due

    def take(self, number, payload):
        now, wait, changed = time.monotonic(), 0.0, None
        for shape in self.shape_of(payload):
            if random.random() < shape["corrupt"]:
                changed = flip(changed or payload)
            if random.random() < shape["duplicate"]:
                self.kernel.copy(changed or payload)
            if shape["delay"] or shape["jitter"]:
                due = now + max(0, shape["delay"] + spread(shape["distribution"]) * shape["jitter"])
                wait += self.in_order(now, due, (shape["id"], flow(payload))) - now
            if random.random() < shape["reorder"]:
                wait += shape["hold"]
        if wait <= 0:
            return self.kernel.release(number, changed)
        self.count += 1
        heapq.heappush(self.held, (now + wait, self.count, number, changed))

    def let_go(self, everything=False):
        """Lets go what is due; returns the seconds until the next packet is."""
        while self.held:
            wait = self.held[0][0] - time.monotonic()
            if wait > 0 and not everything:
                return wait
            _, _, number, changed = heapq.heappop(self.held)
            self.kernel.release(number, changed)
        return None


def main():
    kernel = Kernel()
    line = Line(kernel)
    poll, commands = select.poll(), sys.stdin.fileno()
    poll.register(kernel.socket, select.POLLIN)
    poll.register(commands, select.POLLIN | select.POLLHUP)
    print("{}", flush=True)
    text = b""
    while True:
        wait = line.let_go()
        # Whole milliseconds wake too late: the rest is waited out awake.
        ready = poll.poll(None if wait is None else max(0, int(wait * 1000)))
        for descriptor, _ in ready:
            if descriptor != commands:
                for packet in kernel.packets():
                    line.take(*packet)
                continue
            more = os.read(commands, 1 << 16)
            if not more:
                line.let_go(everything=True)
                return
            text += more
            while b"\n" in text:
                command, text = text.split(b"\n", 1)
                line.shapes = json.loads(command)
                if not line.shapes:
                    line.let_go(everything=True)
                print("{}", flush=True)


main()
