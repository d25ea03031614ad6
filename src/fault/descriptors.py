"""Looks at the limits of open files of a node's processes and sets them; runs among those processes."""
import json, os, resource, sys, time

# How often, and how far apart in seconds, what processes hold is looked at: a descriptor that is there each time stays.
LOOKS, APART = 20, 0.025
FILES = resource.RLIMIT_NOFILE


def processes():
    """The node's own processes: what looks at them from other containers sees other files."""
    own = os.readlink("/proc/1/ns/mnt")
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/ns/mnt") == own:
                yield int(name)
        except OSError:
            pass  # It has ended.


def started(pid):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


def held(pid):
    return {int(name) for name in os.listdir(f"/proc/{pid}/fd")}


def limit(held, left):
    """The limit that leaves so many free: a descriptor's number must lie below it, whatever lies above it already."""
    number = 0
    while left or number in held:
        left -= number not in held
        number += 1
    return number


def soft(pid):
    """The limit by the kernel's own table."""
    with open(f"/proc/{pid}/limits") as limits:
        words = next(line for line in limits if line.startswith("Max open files")).split()
    return -1 if words[3] == "unlimited" else int(words[3])


def told(pid):
    with open(f"/proc/{pid}/comm") as name:
        return {"pid": pid, "started": started(pid), "name": name.read().strip(), "soft": soft(pid), "open": len(held(pid))}


def every(what):
    found = []
    for pid in processes():
        try:
            found.append(what(pid))
        except OSError:
            pass
    return found


def look(left):
    stays = {}
    for _ in range(LOOKS):
        seen = dict(every(lambda pid: (pid, held(pid))))
        stays = {pid: stays.get(pid, now) & now for pid, now in seen.items()}
        time.sleep(APART)
    found = every(told)
    for process in found:
        if process["pid"] in stays:
            lowered = limit(stays[process["pid"]], left)
            process["lowered"] = lowered if process["soft"] < 0 else min(lowered, process["soft"])
    return [process for process in found if "lowered" in process]


def put(pid, to):
    """Sets a limit from the process's own account, which is allowed where an account's own right is not needed."""
    with open(f"/proc/{pid}/status") as status:
        ids = {line.split()[0]: int(line.split()[1]) for line in status if line.startswith(("Uid:", "Gid:"))}
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(*[ids["Gid:"]] * 3)
            os.setresuid(*[ids["Uid:"]] * 3)
            hold()
            resource.prlimit(pid, FILES, (to, resource.prlimit(pid, FILES)[1]))
        except BaseException as error:
            print(f"process {pid}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] and os.path.exists(f"/proc/{pid}/fd"):
        raise SystemExit(f"the limit of process {pid} could not be set")


def set_each(wanted):
    """Each is named by its number and start; one that is gone is left out."""
    for pid, began, to in wanted:
        try:
            if started(pid) == began:
                put(pid, to)
        except OSError:
            pass


def back(wanted):
    """Undoes [pid, start, limit before, lowered limit]; children of a lowered process have its limit, and get what it had."""
    set_each([one[:3] for one in wanted])
    known = {(one[0], one[1]) for one in wanted}
    heirs = {one[3]: one[2] for one in wanted if one[3] != one[2]}
    for process in every(told):
        if (process["pid"], process["started"]) not in known and process["soft"] in heirs:
            set_each([[process["pid"], process["started"], heirs[process["soft"]]]])


shut()
bound("DAC_OVERRIDE", "SETGID", "SETUID", "SYS_PTRACE")
order = sys.argv[1]
if order == "look":
    print(json.dumps(look(int(sys.argv[2]))))
elif order == "set":
    set_each(json.loads(sys.argv[2]))
elif order == "back":
    back(json.loads(sys.argv[2]))
if order in ("set", "back", "read"):
    print(json.dumps(every(told)))
