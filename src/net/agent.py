"""Runs in a node's network namespace: filters its packets and probes its links.

It takes one JSON command per line on standard input and answers each with one JSON line on standard
output, so its own filters never cut it off. It ends when its input ends.
"""
import asyncio, ctypes, json, os, subprocess, sys


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
        self.peers = {}
        self.renewing = None

    async def listen(self, command):
        self.port = command["port"]
        self.server = await asyncio.start_server(echo, None, self.port)
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

    async def apply(self, command):
        if self.renewing is not None:
            self.renewing.cancel()
            self.renewing = None
        error = self.nft.apply(command["script"])
        return {} if error is None else {"error": error}

    async def flush(self, command):
        answer = await self.apply(command)
        self.renewing = asyncio.create_task(self.renew())
        return answer

    async def renew(self):
        """Opens anew what went unanswered: after a long cut TCP would send again only minutes later."""
        for limit in (0.1, 0.2, 0.4, 0.8, 1.6):  # peers are flushed a little earlier or later
            silent = [peer for peer in self.peers.values() if not peer.answered]
            if all(await asyncio.gather(*(peer.open(limit) for peer in silent))):
                return

    async def rules(self, _):
        return {"rules": self.nft.rules()}

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
