"""Reads and writes what a node's programs resolve names by; runs among the node's processes."""
import json, sys

HOSTS, RESOLVER = "/proc/1/root/etc/hosts", "/proc/1/root/etc/resolv.conf"


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    """In place: the engine has mounted the file by itself."""
    with open(path, "w") as file:
        file.write(text)


shut()
bound("DAC_OVERRIDE", "SYS_PTRACE")
if sys.argv[1] == "write":
    write(HOSTS, sys.argv[2])
    write(RESOLVER, sys.argv[3])
print(json.dumps({"hosts": read(HOSTS), "resolver": read(RESOLVER)}))
