"""A client of drdrill for NATS JetStream, in Python's standard library alone: one stream per run, one subject per list.

drdrill writes a JSON object a line and reads one a line. Requests of one session come one after the other, so each
session has a thread and a connection of its own. What is asked: docs/guide/own-client.md.
"""
import json, queue, socket, sys, threading, time, uuid

PORT = 4222
nodes, stream, talk = {}, "", threading.Lock()


class Connection:
    """The text protocol of NATS, as far as requests need it."""

    def __init__(self, address, limit):
        self.socket = socket.create_connection((address, PORT), timeout=limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines, self.inbox = self.socket.makefile("rb"), "_INBOX." + uuid.uuid4().hex
        self.server = json.loads(self.lines.readline()[5:])
        hello = {"verbose": False, "pedantic": False, "lang": "python", "version": "1", "headers": True, "no_responders": True}
        self.send(f"CONNECT {json.dumps(hello)}\r\nSUB {self.inbox}.* 1\r\n")

    def send(self, text):
        self.socket.sendall(text.encode())

    def ask(self, subject, body, until):
        """Publishes, and waits for the answer to this very message."""
        text, to = body if isinstance(body, str) else json.dumps(body), f"{self.inbox}.{uuid.uuid4().hex[:8]}"
        self.send(f"PUB {subject} {to} {len(text)}\r\n{text}\r\n")
        while True:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            words = self.lines.readline().decode().split()
            if not words:
                raise ConnectionError("connection lost")
            if words[0] == "PING":
                self.send("PONG\r\n")
            elif words[0] in ("MSG", "HMSG"):
                payload = self.lines.read(int(words[-1]) + 2)[:-2]
                if words[1] == to:
                    if words[0] == "HMSG":
                        raise LookupError("nobody answers")
                    return json.loads(payload)
            elif words[0] == "-ERR":
                raise ConnectionError(" ".join(words[1:]).strip("'"))


class Session(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.requests, self.open = queue.Queue(), None
        self.start()

    def run(self):
        while (request := self.requests.get()) is not None:
            sent = []
            try:
                answer = getattr(self, request["do"].replace("-", "_"))(request, sent)
            except LookupError as error:
                answer, self.open = {"fail": str(error)}, None
            except (OSError, ValueError) as error:
                words, self.open = str(error) or type(error).__name__, None
                answer = {"unsure" if sent else "fail": "timeout" if isinstance(error, TimeoutError) else words}
            say({"id": request["id"], **answer})

    def connection(self, until):
        """To whichever node answers; it leads each request to the stream's leader by itself."""
        last = ConnectionError("no node answers")
        for address in list(nodes.values()) if self.open is None else []:
            try:
                self.open = Connection(address, min(0.3, max(0.001, until - time.monotonic())))
                break
            except (OSError, ValueError) as error:
                last = error
        if self.open is None:
            raise last
        return self.open

    def api(self, verb, body, until):
        answer = self.connection(until).ask(f"$JS.API.{verb}", body, until)
        if "error" in answer:
            raise LookupError(answer["error"].get("description", "refused"))
        return answer

    def append(self, request, sent):
        if request.get("node"):
            return {"fail": "a node hands writes on"}
        until = time.monotonic() + request["ms"] / 1000
        connection = self.connection(until)
        sent.append(True)
        answer = connection.ask(f"{stream}.{request['list']}", request["element"], until)
        if "error" in answer:
            return {"fail": answer["error"].get("description", "refused")}
        return {"ok": True}

    def read(self, request, _):
        if request.get("node"):
            return {"fail": "a node hands reads on"}
        until = time.monotonic() + request["ms"] / 1000
        try:
            answer = self.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": f"{stream}.{request['list']}"}, until)
        except LookupError as error:
            if "no message found" in str(error):
                return {"ok": True, "elements": []}
            raise
        return {"ok": True, "elements": [text(answer["message"])]}

    def final_read(self, request, _):
        if request.get("node"):
            return {"fail": "a node hands reads on"}
        until, lists, sequence, self.open = time.monotonic() + 50, {}, 0, None
        while True:
            try:
                body = {"seq": sequence + 1, "next_by_subj": f"{stream}.*"}
                message = self.api(f"STREAM.MSG.GET.{stream}", body, until)["message"]
            except LookupError as error:
                if "no message found" in str(error):
                    return {"ok": True, "lists": lists}
                raise
            sequence = message["seq"]
            lists.setdefault(message["subject"].rsplit(".", 1)[1], []).append(text(message))

    def role(self, request, _):
        """A node answers for itself that it lives; who leads the stream, and who is behind, its leader says."""
        until = time.monotonic() + request["ms"] / 1000
        address = nodes[request["node"]]
        if self.open is None or self.open.server["server_name"] != request["node"]:
            self.open = Connection(address, max(0.001, until - time.monotonic()))
        if not stream:
            return {"ok": True, "role": "replica"}
        cluster = self.api(f"STREAM.INFO.{stream}", "", until)["cluster"]
        if cluster.get("leader") == request["node"]:
            return {"ok": True, "role": "primary", "lag": 0}
        own = [peer for peer in cluster.get("replicas", []) if peer["name"] == request["node"]]
        behind = own[0].get("lag", 0) if own and own[0].get("current") else 1
        return {"ok": True, "role": "replica", "lag": behind, "follows": cluster.get("leader")}

    def reset(self, *_):
        self.open = None
        return {"ok": True}


def open_(request):
    global stream
    nodes.update(request["nodes"])
    name = "drdrill-" + request["run"]
    session, until = Session(), time.monotonic() + 25
    body = {"name": name, "subjects": [f"{name}.*"], "num_replicas": min(3, len(nodes)), "storage": "file"}
    while True:
        # A cluster that has no leader yet answers nothing, and what was asked then is never answered.
        soon = min(until, time.monotonic() + 3)
        try:
            # drdrill holds the nodes, so what other runs left is a dead one's.
            for left in session.api("STREAM.NAMES", {}, soon)["streams"] or []:
                if left.startswith("drdrill-") and left != name:
                    session.api(f"STREAM.DELETE.{left}", "", soon)
            session.api(f"STREAM.CREATE.{name}", body, soon)
            break
        except (OSError, LookupError):
            if time.monotonic() > until - 5:
                raise
            session.open = None
            time.sleep(0.5)
    stream = name
    return {"ok": True, "version": "NATS " + session.open.server["version"], "settings": {"num_replicas": str(body["num_replicas"])}}


def remove(_):
    Session().api(f"STREAM.DELETE.{stream}", "", time.monotonic() + 20)
    return {"ok": True}


def text(message):
    import base64
    return base64.b64decode(message["data"]).decode()


def say(answer):
    with talk:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main():
    sessions = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] in ("open", "remove"):
            try:
                answer = open_(request) if request["do"] == "open" else remove(request)
            except (OSError, LookupError, ValueError) as error:
                answer = {"fail": str(error)}
            say({"id": request["id"], **answer})
            continue
        name = request["session"]
        session = sessions.get(name) or sessions.setdefault(name, Session())
        session.requests.put(request)
        if request["do"] == "reset":
            sessions.pop(name).requests.put(None)


main()
