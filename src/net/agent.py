"""Runs in a node's network namespace: filters and shapes its packets, and probes its links.

It takes one JSON command per line on standard input and answers each with one JSON line on standard
output, so its own filters never cut it off. It ends when its input ends.
"""
import asyncio, ctypes, json, os, struct, subprocess, sys, time


class Nft:
    """The packet filter's library in this process (under a millisecond), else its program."""

    def __init__(self):
        try:
            self.lib = ctypes.CDLL("libnftables.so.1")
            self.lib.nft_ctx_new.restype = ctypes.c_void_p
            self.lib.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
            self.context = ctypes.c_void_p(self.lib.nft_ctx_new(0))
            self.lib.nft_ctx_buffer_error(self.context)
        except (OSError, AttributeError):
            self.lib = None

    def apply(self, script):
        if self.lib is None:
            done = subprocess.run(["nft", "-f", "-"], input=script.encode(), capture_output=True)
            return None if done.returncode == 0 else done.stderr.decode()
        if self.lib.nft_run_cmd_from_buffer(self.context, script.encode()) == 0:
            return None
        return self.lib.nft_ctx_get_error_buffer(self.context).decode()

    def rules(self):
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, check=True)
        if b"table inet drdrill\n" not in tables.stdout:
            return ""
        listed = subprocess.run(["nft", "list", "table", "inet", "drdrill"], capture_output=True)
        return listed.stdout.decode()


class Shaper:
    """What holds, copies, damages and slows down packets: the kernel's queue and its traffic control."""

    def __init__(self):
        self.child, self.shapes, self.tables = None, [], ""
        self.traffic, self.drain, self.draining = [], 0, None

    def emulates(self, trial):
        """Whether the kernel's emulator can be had: it is set up and removed again."""
        try:
            for line in trial:
                run(["tc", *line.split()])
            return bool(trial)
        except OSError:
            return False
        finally:
            self.clear()

    async def prepare(self, program):
        """Starts the program that the kernel's queue hands packets to; its first line says that it can."""
        if self.child is None or self.child.returncode is not None:
            command = ["python3", "-I", "-S", "-c", program]
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            self.child = await asyncio.create_subprocess_exec(*command, **pipes)
            await self.heard()

    async def heard(self):
        line = await self.child.stdout.readline()
        if not line:
            error = (await self.child.stderr.read()).decode().strip().splitlines()
            raise OSError(f"the packet queue (NFQUEUE) cannot be had: {error[-1] if error else 'it ended'}")

    async def shape(self, orders):
        shapes, tables, traffic = orders["shapes"], orders["tables"], orders["traffic"]
        if shapes or self.shapes:
            await self.prepare(orders["program"])
            self.child.stdin.write(json.dumps(shapes).encode() + b"\n")
            await self.heard()
        self.shapes = shapes
        if tables != self.tables:
            run(["iptables-restore", "--noflush"], tables or "*mangle\n-F OUTPUT\nCOMMIT\n")
            self.tables = tables
        if traffic != self.traffic:
            await self.steer(traffic, orders["drain"])

    async def steer(self, traffic, drain):
        """Puts this traffic control in the place of ours. Packets that are on their way through it still arrive."""
        if self.draining is not None:
            self.draining.cancel()
            self.draining = None
        if self.drain and not traffic:
            self.draining = asyncio.create_task(self.clear_after(self.drain))
        else:
            self.clear()
        self.traffic, self.drain = [], 0
        for line in traffic:
            run(["tc", *line.split()])
        self.traffic, self.drain = traffic, drain

    async def clear_after(self, seconds):
        await asyncio.sleep(seconds)
        self.clear()

    def clear(self):
        subprocess.run(["tc", "qdisc", "del", "dev", "eth0", "root"], capture_output=True)


def run(command, text=""):
    done = subprocess.run(command, input=text.encode(), capture_output=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.decode().strip()}")


class Pings(asyncio.DatagramProtocol):
    """Answers to numbered datagrams, as they come."""

    def __init__(self):
        self.came = []

    def datagram_received(self, data, _):
        self.came.append((struct.unpack_from(">I", data)[0], time.perf_counter()))

    def error_received(self, _):
        pass


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)

    def error_received(self, _):
        pass


class Peer:
    """A long-lived connection to another agent's echo server."""

    def __init__(self, address, port):
        self.address, self.port = address, port
        self.reader = self.writer = None
        self.answered = True
        self.turn = asyncio.Lock()

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def open(self, limit):
        """Opens the connection, or opens it anew when it did not answer last time."""
        async with self.turn:
            if not self.answered or (self.reader is not None and self.reader.at_eof()):
                self.close()
            if self.writer is not None or await holds(self.dial(), limit):
                return True
            self.close()
            return False

    async def dial(self):
        self.reader, self.writer = await asyncio.open_connection(self.address, self.port)
        await say(self.reader, self.writer)
        self.answered = True

    async def established(self):
        async with self.turn:
            if self.writer is None:
                raise ConnectionError("not open")
            self.answered = False
            await say(self.reader, self.writer)
            self.answered = True

    async def fresh(self):
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            await say(reader, writer)
        finally:
            writer.transport.abort()


async def say(reader, writer):
    """Sends bytes never sent before and waits for them; answers to earlier ones are passed over."""
    nonce = os.urandom(8).hex().encode() + b"\n"
    writer.write(nonce)
    while True:
        line = await reader.readline()
        if line == nonce:
            return
        if not line:
            raise ConnectionResetError("closed by the peer")


async def echo(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


async def holds(attempt, limit):
    """Whether the attempt ends well in time."""
    try:
        await asyncio.wait_for(attempt, limit)
        return True
    except (OSError, asyncio.TimeoutError):
        return False


class Agent:
    def __init__(self):
        self.nft = Nft()
        self.shaper = Shaper()
        self.peers = {}
        self.renewing = None

    async def listen(self, command):
        self.port = command["port"]
        self.server = await asyncio.start_server(echo, None, self.port)
        loop = asyncio.get_running_loop()
        self.echo = await loop.create_datagram_endpoint(Echo, ("0.0.0.0", self.port))
        return {}

    async def connect(self, command):
        for address in command["peers"]:
            self.peers.setdefault(address, Peer(address, self.port))
        peers = [self.peers[address] for address in command["peers"]]
        opened = await asyncio.gather(*(peer.open(command["limit"]) for peer in peers))
        return {"missing": [peer.address for peer, ok in zip(peers, opened) if not ok]}

    async def probe(self, command):
        limit = command["limit"]

        async def established(peer):
            if self.renewing is not None:
                await asyncio.shield(self.renewing)
            await peer.established()

        async def link(address):
            peer = self.peers.get(address) or Peer(address, self.port)
            old, new = await asyncio.gather(holds(established(peer), limit), holds(peer.fresh(), limit))
            return {"to": address, "established": old, "fresh": new}

        return {"links": await asyncio.gather(*map(link, command["peers"]))}

    async def prepare(self, command):
        """Shows that packets can be shaped here, without touching any, and whether the kernel's emulator does it."""
        emulates = self.shaper.emulates(command["emulator"])
        if command["program"] and not emulates:
            await self.shaper.prepare(command["program"])
        for line in command["traffic"]:
            run(["tc", *line.split()])
        return {"emulates": emulates}

    async def enforce(self, command):
        """Puts these rules, tables, traffic control and shapes in the place of all of ours."""
        if self.renewing is not None:
            self.renewing.cancel()
            self.renewing = None
        error = self.nft.apply(command["script"])
        await self.shaper.shape(command)
        if command["renew"]:
            self.renewing = asyncio.create_task(self.renew())
        return {} if error is None else {"error": error}

    async def renew(self):
        """Opens anew what went unanswered: after a long cut TCP would send again only minutes later."""
        for limit in (0.1, 0.2, 0.4, 0.8, 1.6):  # peers are flushed a little earlier or later
            silent = [peer for peer in self.peers.values() if not peer.answered]
            if all(await asyncio.gather(*(peer.open(limit) for peer in silent))):
                return

    async def rules(self, _):
        return {"rules": self.nft.rules()}

    async def dial(self, command):
        """What a new connection to each address and port comes to."""

        async def one(address, port):
            try:
                attempt = asyncio.open_connection(address, port)
                _, writer = await asyncio.wait_for(attempt, command["limit"])
                writer.transport.abort()
                return "open"
            except asyncio.TimeoutError:
                return "silent"
            except OSError:
                return "refused"

        return {"dials": await asyncio.gather(*(one(*target) for target in command["targets"]))}

    async def measure(self, command):
        """Sends numbered datagrams to each peer's echo server and looks at what comes back, when and in which order."""

        async def one(address):
            loop = asyncio.get_running_loop()
            pings, flows, sent = Pings(), [], []
            for _ in range(command["flows"]):
                flow, _ = await loop.create_datagram_endpoint(lambda: pings, remote_addr=(address, self.port))
                flows.append(flow)
            for number in range(command["count"]):
                sent.append(time.perf_counter())
                flows[number % len(flows)].sendto(struct.pack(">I", number) + b"\xa5" * 60)
                await asyncio.sleep(command["gap"])
            await asyncio.sleep(command["limit"])
            for flow in flows:
                flow.close()
            times = [[number, (came - sent[number]) * 1e3] for number, came in pings.came if number < len(sent)]
            return {"to": address, "sent": len(sent), "came": times}

        return {"paths": await asyncio.gather(*map(one, command["peers"]))}

    async def stream(self, command):
        """How many bits a second come back from a peer's echo server when as many as possible are sent."""
        reader, writer = await asyncio.open_connection(command["peer"], self.port)

        async def push():
            line, sent = (b"x" * 1023 + b"\n") * 2, 0
            while True:
                writer.write(line)
                await writer.drain()
                sent += len(line) * 8
                await asyncio.sleep(max(0, start + sent / command["most"] - time.perf_counter()))

        begin, count, start = None, 0, time.perf_counter()
        pushing = asyncio.create_task(push())
        while (now := time.perf_counter()) < start + 0.3 + command["seconds"]:
            try:
                data = await asyncio.wait_for(reader.read(1 << 16), 0.2)
            except asyncio.TimeoutError:
                continue
            if now > start + 0.3:
                begin = begin or now
                count += len(data)
        pushing.cancel()
        writer.transport.abort()
        return {"bits": count * 8 / (time.perf_counter() - begin) if begin else 0}

    async def damaged(self, _):
        """How many datagrams were thrown away here for a wrong checksum."""
        with open("/proc/net/snmp") as file:
            names, values = [line.split() for line in file if line.startswith("Udp:")]
        return {"damaged": int(values[names.index("InCsumErrors")])}

    async def serve(self):
        lines = asyncio.StreamReader(limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(lines)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        while line := await lines.readline():
            command = json.loads(line)
            try:
                answer = await getattr(self, command["do"])(command)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(Agent().serve())
