"""Undoes what a drill did to containers that it did not create, once drdrill has given no sign of life for a while.

It runs beside those containers and speaks with their engine, so neither the end nor the hang of drdrill, nor a cut on the
way, keeps it from it. Each line on its input is a sign of life, answered by a line that says whether the lease has lapsed.
The end of its input is none. Arguments: the lease in seconds, pairs of a container and its
sidecar as JSON, and what lets packets pass in a sidecar.
"""
import http.client, json, os, select, socket, sys, threading, time

LIMIT = 20


class Engine(http.client.HTTPConnection):
    """One question to the engine, on its socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect("/var/run/docker.sock")


def ask(method, path, body=None):
    engine = Engine("engine")
    try:
        text = None if body is None else json.dumps(body)
        engine.request(method, path, text, {"Content-Type": "application/json"})
        answer = engine.getresponse()
        said = answer.read()
        if answer.status >= 400 and answer.status != 404:
            raise OSError(said.decode("utf-8", "replace"))
        return json.loads(said) if answer.status < 300 and said else {}
    finally:
        engine.close()


def let_go(container):
    """Lets a container run again."""
    state = ask("GET", f"/containers/{container}/json").get("State")
    if state is None:
        return  # somebody removed it
    if state.get("Paused"):
        ask("POST", f"/containers/{container}/unpause")
    elif not state.get("Running"):
        ask("POST", f"/containers/{container}/start")


def flush(sidecar):
    """Lets packets of a container pass as before."""
    made = ask("POST", f"/containers/{sidecar}/exec", {"Cmd": ["sh", "-c", sys.argv[3]]})
    if "Id" in made:
        ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})


def tried(undo, name):
    """Undoes until it went well, for a while: an engine may be busy."""
    for _ in range(20):
        try:
            return undo(name)
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.5)


def main():
    lease, pairs = float(sys.argv[1]), json.loads(sys.argv[2])
    last, lapsed, held, open_ = time.monotonic(), False, b"", True
    while True:
        left = last + lease - time.monotonic()
        if left <= 0 and not lapsed:
            lapsed = True
            undos = [(let_go, container) for container, _ in pairs] + [(flush, sidecar) for _, sidecar in pairs]
            threads = [threading.Thread(target=tried, args=undo) for undo in undos]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if not open_:
            if lapsed:
                return
            time.sleep(max(0, min(left, 1)))
            continue
        if not select.select([0], [], [], None if lapsed else max(0, left))[0]:
            continue
        try:
            piece = os.read(0, 4096)
        except OSError:
            piece = b""
        open_ = bool(piece)
        *lines, held = (held + piece).split(b"\n")
        if lines and not lapsed:
            last = time.monotonic()
        for _ in lines:
            try:
                os.write(1, b'{"lapsed": true}\n' if lapsed else b'{"lapsed": false}\n')
            except OSError:
                pass


main()
