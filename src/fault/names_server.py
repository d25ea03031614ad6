"""A name server that goes wrong for some names, in a node's network; it ends with its standard input."""
import encodings.idna, json, socket, sys, threading, time

HERE = ("127.0.0.53", 53)
LIMIT = 5.0
how, delay, wrong, upstream, names = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4], json.loads(sys.argv[5])


def question(query):
    """The name asked for, its type, and where the question ends."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]])
        at += 1 + query[at]
    return b".".join(labels).decode("ascii", "replace").lower(), query[at + 1 : at + 3], at + 5


def answer(query, end, address):
    """An answer with this address, or with none."""
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) if address else b""
    count = b"\0\1" if address else b"\0\0"
    return query[:2] + b"\x81\x80\0\1" + count + b"\0\0\0\0" + query[12:end] + record


def asked_above(query):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as above:
        above.settimeout(LIMIT)
        above.sendto(query, (upstream, 53))
        return above.recv(4096)


def serve(door, query, client):
    try:
        name, kind, end = question(query)
        if name not in names:
            door.sendto(asked_above(query), client)
            return
        if how == "gone":
            return
        time.sleep(delay if how == "slow" else 0)
        address = wrong if how == "wrong" else names[name]
        door.sendto(answer(query, end, address if kind == b"\0\1" else None), client)
    except (OSError, IndexError):
        pass  # The one who asked hears nothing, as of any server that fails.


def listen(door):
    while True:
        query, client = door.recvfrom(4096)
        threading.Thread(target=serve, args=(door, query, client), daemon=True).start()


door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind(HERE)
shut()
bound()
threading.Thread(target=listen, args=(door,), daemon=True).start()
print("ready", flush=True)
sys.stdin.buffer.read()
