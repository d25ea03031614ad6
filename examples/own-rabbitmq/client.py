"""A client of drdrill for RabbitMQ: one quorum queue per run, written by AMQP with publisher confirms.

drdrill writes a JSON object a line and reads one a line. Requests of one session come one after the other, so each
session has a thread and a connection of its own. What is asked: docs/guide/own-client.md. Who leads the queue, and how
far each member is, the management plugin says. Needs Python's `amqp`.
"""
import base64, http.client, json, os, queue, sys, threading, time

import amqp
from amqp.exceptions import MessageNacked

USER, _, PASSWORD = os.environ.get("DRDRILL_LOGIN", "app:open-sesame").rpartition(":")
USER = USER or "app"
nodes, name, talk = {}, "", threading.Lock()
# What an operation can fail with: cut off, timed out, an answer that is none, and what the library raises. A broker that
# does not confirm (`MessageNacked`) may have kept the message all the same.
TROUBLE = (OSError, ValueError, amqp.AMQPError, MessageNacked, http.client.HTTPException)


class Refused(Exception):
    """The broker has said no: it was certainly not done."""


class Session(threading.Thread):
    turns = 0

    def __init__(self):
        super().__init__(daemon=True)
        self.requests, self.open = queue.Queue(), None
        # Sessions begin with different nodes, and go on with the next one after an error.
        self.turn = Session.turns = Session.turns + 1
        self.start()

    def run(self):
        while (request := self.requests.get()) is not None:
            sent = []
            try:
                answer = getattr(self, request["do"].replace("-", "_"))(request, sent)
            except Refused as error:
                answer = {"fail": str(error)}
            except TROUBLE as error:
                words = "timeout" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
                answer = {"unsure" if sent else "fail": words}
                self.leave()
            say({"id": request["id"], **answer})

    def leave(self):
        left, self.open, self.turn = self.open, None, self.turn + 1
        if left is not None:
            # Without a farewell, for which a node that hangs would let it wait.
            left.collect()

    def channel(self, until):
        """A channel of the session's connection, to whichever node answers: it leads writes to the queue's leader itself."""
        addresses = list(nodes.values())
        last = ConnectionError("no node answers")
        for number in range(len(addresses)) if self.open is None else []:
            limit = min(0.3, until - time.monotonic())
            if limit <= 0:
                raise TimeoutError
            address = addresses[(self.turn + number) % len(addresses)]
            connection = amqp.Connection(
                f"{address}:5672", USER, PASSWORD, confirm_publish=True,
                connect_timeout=limit, read_timeout=limit, write_timeout=limit)
            try:
                connection.connect()
                connection.channel(1)
                self.open = connection
                break
            except TROUBLE as error:
                connection.collect()
                last = error
        if self.open is None:
            raise last
        return self.open.channels[1]

    def append(self, request, sent):
        if request.get("node"):
            raise Refused("a node hands writes on")
        until = time.monotonic() + request["ms"] / 1000
        channel = self.channel(until)
        message = amqp.Message(f"{request['list']} {request['element']}", delivery_mode=2)
        sent.append(True)
        returned = []
        channel.events["basic_return"] = {lambda *_: returned.append(True)}
        channel.basic_publish_confirm(
            message, routing_key=name, mandatory=True, confirm_timeout=max(0.001, until - time.monotonic()))
        if returned:
            raise Refused("there is no such queue")
        return {"ok": True}

    def read(self, *_):
        raise Refused("nothing is read from a queue without being taken from it")

    def final_read(self, request, _):
        """Takes everything, and gives it back: the queue is as it was once all of it is ready again."""
        if request.get("node"):
            raise Refused("a node hands reads on")
        self.leave()
        until, lists, taken, last = time.monotonic() + 50, {}, 0, None
        channel = self.channel(until)
        self.open.transport.sock.settimeout(10)

        def take(message):
            nonlocal taken, last
            number, element = message.body.split()
            lists.setdefault(number, []).append(element)
            taken, last = taken + 1, message.delivery_tag

        there = channel.queue_declare(name, passive=True).message_count
        # Without a limit that is named, a quorum queue hands out 2,000 at most; a consumer can have 65,535.
        channel.basic_qos(0, 65535, False)
        consumers = [channel.basic_consume(name, callback=take) for _ in range(there // 65535 + 1)]
        quiet = 0
        while taken < there or quiet < 3:
            if time.monotonic() > until - 15:
                raise TimeoutError
            try:
                self.open.drain_events(timeout=0.2)
                quiet = 0
            except TimeoutError:
                quiet += 1
        for consumer in consumers:
            channel.basic_cancel(consumer)
        if last is not None:
            nack(channel, last)
        while channel.queue_declare(name, passive=True).message_count < taken:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.1)
        self.leave()
        return {"ok": True, "lists": lists}

    def role(self, request, _):
        """Of a node that answers for itself: whether it leads the queue, and else how many entries of the log it lacks."""
        until, node = time.monotonic() + request["ms"] / 1000, request["node"]
        if not name:
            manage(node, "GET", "/api/whoami", until)
            return {"ok": True, "role": "replica"}
        leader = manage(node, "GET", f"/api/queues/%2F/{name}?disable_stats=true&enable_queue_totals=true", until)["leader"]
        if leader == member(node):
            return {"ok": True, "role": "primary", "lag": 0}
        answer = {"ok": True, "role": "replica", "follows": leader.rpartition("@")[2]}
        try:
            rows = manage(node, "GET", f"/api/queues/quorum/%2F/{name}/status", until)
            rows = {row["Node Name"]: row for row in rows}
            answer["lag"] = max(0, rows[leader]["Commit Index"] - rows[member(node)]["Last Applied"])
        except (KeyError, TypeError, *TROUBLE):
            pass  # A member that cannot be asked leaves open how far this one is behind.
        return answer

    def reset(self, *_):
        self.leave()
        return {"ok": True}


def nack(channel, tag):
    """`basic.nack` of everything up to this tag, which the library has no call for."""
    channel.send_method((60, 120), "Lbb", (tag, True, True))


def member(node):
    """The Erlang node on a machine: RabbitMQ's default name."""
    return "rabbit@" + node


def manage(node, verb, path, until, body=None):
    """Asks the management plugin of a node."""
    connection = http.client.HTTPConnection(nodes[node], 15672, timeout=max(0.001, until - time.monotonic()))
    try:
        key = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        connection.request(verb, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise ConnectionError(f"{node} answers {answer.status} to {path}")
        return json.loads(text) if text else None
    finally:
        connection.close()


def anywhere(verb, path, until, body=None):
    last = ConnectionError("no node answers")
    for node in nodes:
        try:
            return manage(node, verb, path, min(until, time.monotonic() + 5), body)
        except TROUBLE as error:
            last = error
    raise last


def open_(request):
    global name
    nodes.update(request["nodes"])
    wanted, until = "drdrill-" + request["run"], time.monotonic() + 25
    while True:
        try:
            running = [it for it in anywhere("GET", "/api/nodes?columns=name,running", until) if it["running"]]
            if len(running) < len(nodes):
                raise ConnectionError(f"{len(running)} of {len(nodes)} nodes are in the cluster")
            # drdrill holds the nodes, so what other runs left is a dead one's.
            for left in anywhere("GET", "/api/queues/%2F?columns=name&disable_stats=true&enable_queue_totals=true", until):
                if left["name"].startswith("drdrill-") and left["name"] != wanted:
                    anywhere("DELETE", f"/api/queues/%2F/{left['name']}", until)
            size = {"x-queue-type": "quorum", "x-quorum-initial-group-size": len(nodes)}
            anywhere("PUT", f"/api/queues/%2F/{wanted}", until, {"durable": True, "arguments": size})
            version = anywhere("GET", "/api/overview?columns=rabbitmq_version", until)["rabbitmq_version"]
            break
        except TROUBLE:
            if time.monotonic() > until - 5:
                raise
            time.sleep(0.5)
    name = wanted
    return {"ok": True, "version": "RabbitMQ " + version, "settings": {"members": str(len(nodes))}}


def remove(_):
    anywhere("DELETE", f"/api/queues/%2F/{name}", time.monotonic() + 20)
    return {"ok": True}


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
            except TROUBLE as error:
                answer = {"fail": str(error)}
            say({"id": request["id"], **answer})
            continue
        session = sessions.get(request["session"]) or sessions.setdefault(request["session"], Session())
        session.requests.put(request)
        if request["do"] == "reset":
            sessions.pop(request["session"]).requests.put(None)


main()
