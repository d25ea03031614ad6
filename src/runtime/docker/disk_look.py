"""Runs beside a node: uses the node's data folder as its server would, and prints how that went as one JSON line.

Its arguments are the folder, how often each thing is tried, whether its file is left there, and how long that is to
become. It writes over what it has, adds to it, syncs, and reads past the page cache, as the user who owns the folder;
it writes on and on, and counts what the other files hold; then it looks whether what was written and not synced lies
on the disk below.
"""
import errno, json, mmap, os, statistics, sys, time

FOLDER, TIMES, STAYS, FILL = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "stays", int(sys.argv[4])
PATH, BLOCK, BLOCKS, MANY = f"{FOLDER}/.drdrill-probe", 4096, 4, 1 << 16


def tried(attempt):
    """What came of trying it again and again; times in milliseconds."""
    failed, took = {}, []
    for number in range(TIMES):
        start = time.perf_counter()
        try:
            attempt(number)
        except OSError as error:
            name = errno.errorcode.get(error.errno, str(error.errno))
            failed[name] = failed.get(name, 0) + 1
        took.append((time.perf_counter() - start) * 1000)
    return {"tried": TIMES, "failed": failed, "median": statistics.median(took)}


def again(attempt, times=50):
    """Tries what only prepares or tidies up until it works; says whether it did."""
    for _ in range(times):
        try:
            attempt()
            return True
        except OSError:
            pass
    return False


class File:
    """The probe's own file; what cannot be opened fails at each use."""

    def __init__(self, flags):
        try:
            self.handle, self.error = os.open(PATH, flags | os.O_NOFOLLOW, 0o600), None
        except OSError as error:
            self.handle, self.error = None, error

    def need(self):
        if self.error:
            raise OSError(self.error.errno, "")
        return self.handle


def on_disk(below, mark):
    """Whether this mark lies below; none where that cannot be seen."""
    try:
        handle = os.open(os.path.basename(PATH), os.O_RDONLY, dir_fd=below)
    except OSError:
        return None
    try:
        return os.pread(handle, len(mark), 0) == mark
    finally:
        os.close(handle)


def kept_back(file, below):
    """Whether what is written reaches the disk at once, and once it is synced."""
    mark = os.urandom(16)
    if file.error or not again(lambda: os.pwrite(file.handle, mark, 0)):
        return None, None
    at_once = on_disk(below, mark)
    return at_once, on_disk(below, mark) if again(lambda: os.fsync(file.handle)) else None


def filled(file):
    """Writes on and on, until the file is long enough or that is refused."""
    block, size, refused = os.urandom(MANY), 0, None
    try:
        while (size := os.fstat(file.need()).st_size) < FILL:
            os.pwrite(file.handle, block[: FILL - size], size)
    except OSError as error:
        refused = errno.errorcode.get(error.errno, str(error.errno))
    return {"bytes": size, "refused": refused}


def used(below):
    """What the files of others hold on the disk below, in whole blocks."""
    blocks, seen, own = 0, set(), os.path.basename(PATH)
    for folder, _, names, handle in os.fwalk(".", dir_fd=below):
        for name in names:
            if (folder, name) == (".", own):
                continue
            try:
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            except OSError:
                continue  # it was removed meanwhile
            if found.st_ino not in seen:
                seen.add(found.st_ino)
                blocks += -(-found.st_size // BLOCK)
    return blocks * BLOCK


def main():
    with open("/run/drdrill-disk") as told:
        below = os.open(told.read(), os.O_PATH | os.O_DIRECTORY)
    shut()
    os.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0x20000)
    bound("DAC_OVERRIDE", "SETGID", "SETUID")
    owner = os.stat(FOLDER)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)
    hold()
    block, aligned = os.urandom(BLOCK), mmap.mmap(-1, BLOCK)
    file = File(os.O_RDWR | os.O_CREAT)
    if not file.error and os.fstat(file.handle).st_size < BLOCKS * BLOCK:
        again(lambda: os.pwrite(file.handle, block * BLOCKS, 0))
    free = os.statvfs(FOLDER)
    found = {
        "free": free.f_bavail * free.f_frsize,
        "write": tried(lambda number: os.pwrite(file.need(), block, number % BLOCKS * BLOCK)),
        "grow": tried(lambda number: os.pwrite(file.need(), block, os.fstat(file.need()).st_size)),
        "sync": tried(lambda number: os.fsync(file.need())),
    }
    past = File(os.O_RDONLY | os.O_DIRECT)
    found["read"] = tried(lambda number: os.preadv(past.need(), [aligned], number % BLOCKS * BLOCK))
    if FILL:
        found["filled"] = filled(file)
    found["used"] = used(below)
    found["at_once"], found["synced"] = kept_back(file, below)
    if not file.error:
        again(lambda: os.ftruncate(file.handle, BLOCKS * BLOCK))
    if not STAYS:
        again(lambda: os.unlink(PATH), 1)
    print(json.dumps(found))


main()
