"""Runs beside a node, in its process namespace: a file system over the node's data folder that passes everything on
to what lies below, and lets go wrong what it is told to.

It takes the faults in force as one JSON line on standard input and answers each line with one on standard output, which
tells how much the folder may hold by each; with the first one it mounts. When its input ends it goes on without
faults, until the node ends.
"""
import ctypes, errno, heapq, json, os, random, resource, stat, struct, sys, threading, time

FOLDER = os.fsencode(sys.argv[1])
WORKERS, PAGE, MOST, KEPT = 8, 4096, 1 << 17, 60
HEADER, ATTR, ENTRY = struct.Struct("=IIQQIIIHH"), struct.Struct("=6Q10I"), struct.Struct("=4Q2I")
READ_AT, SET = struct.Struct("=QQIIQII"), struct.Struct("=IIQQQQQQIIIIIIII")
PROBE = b".drdrill-probe"  # the file of who looks at the disk
BIG_WRITES, PARALLEL, ASYNC_READ = 1 << 5, 1 << 18, 1


def there(descriptor):
    """The path of what a descriptor stands for, whatever it is called by now."""
    return b"/proc/self/fd/%d" % descriptor


def paged(size):
    """What a file of this size takes of the disk."""
    return -(-size // PAGE) * PAGE


class Faults:
    """What goes wrong at the moment; `used` is what the files hold, and counted only where room is short."""

    def __init__(self):
        self.list, self.used, self.room = [], 0, threading.Lock()

    def has(self, kind):
        return any(fault["kind"] == kind for fault in self.list)

    def late(self, what):
        own = (fault for fault in self.list if fault["kind"] == "slow" and what in fault["operations"])
        return sum(fault["delay"] for fault in own)

    def strike(self, what):
        for fault in self.list:
            if fault["kind"] == "errors" and what in fault["operations"] and random.random() < fault["share"]:
                raise OSError(errno.EIO, "")

    def change(self, grows=True):
        """Something is to be changed; with `grows` it takes room."""
        if self.has("read-only"):
            raise OSError(errno.EROFS, "")
        if grows and self.has("full"):
            raise OSError(errno.ENOSPC, "")

    def name(self):
        """Something new is to have a name, for which any room will do."""
        self.change()
        if self.left() < PAGE:
            raise OSError(errno.ENOSPC, "")

    def left(self):
        """How much room there is, in whole pages; without end where it is not short."""
        with self.room:
            return self.rest()

    def rest(self):
        most = [fault["most"] for fault in self.list if fault["kind"] == "quota"]
        return (min(most) - self.used) // PAGE * PAGE if most else float("inf")

    def grant(self, node, new, whole=True):
        """How long a file may become that is to be this long: so long, or shorter without `whole`. It takes that room.
        The file of who looks at the disk may take all of it, and leaves it to the others all the same."""
        if not self.has("quota"):
            return new
        with self.room:
            # All that the probe's file holds counts for it alone.
            old, left = 0 if node.probe else paged(node.length()), self.rest()
            if new > node.length() and paged(new) - old > max(0, left):
                new = old + max(0, left)
                if whole:
                    raise OSError(errno.ENOSPC, "")
            if not node.probe:
                self.used += paged(new) - old
            return new

    def give_back(self, node):
        """A file is gone for good."""
        with self.room:
            if not node.probe:
                self.used -= paged(os.fstat(node.descriptor).st_size)

    def impose(self, faults, used):
        """Puts these in the place of all before; says how much the folder may hold by each."""
        with self.room:
            self.list = faults
            if self.has("quota"):
                self.used = used()
            for fault in faults:
                if fault["kind"] == "quota":
                    fault.setdefault("most", self.used + fault["room"])
            return [fault.get("most") for fault in faults]


class Node:
    """A file or folder that the kernel knows; `pages` were written and not synced."""

    def __init__(self, descriptor, probe=False):
        self.descriptor, self.looked, self.pages, self.size, self.probe = descriptor, 0, {}, 0, probe
        self.lock = threading.Lock()

    def length(self):
        below = os.fstat(self.descriptor).st_size
        return max(below, self.size) if self.pages else below

    def keep(self, below, data, at):
        """Keeps what was written in memory only."""
        self.size = max(self.length(), at + len(data))
        done = 0
        while done < len(data):
            number, start = divmod(at + done, PAGE)
            more = min(PAGE - start, len(data) - done)
            page = self.pages.get(number)
            if page is None:
                old = os.pread(below, PAGE, number * PAGE) if more < PAGE else b""
                page = self.pages[number] = bytearray(old.ljust(PAGE, b"\0"))
            page[start : start + more] = data[done : done + more]
            done += more

    def read(self, below, size, at):
        data = os.pread(below, size, at)
        if not self.pages:
            return data
        data = bytearray(data.ljust(max(0, min(size, self.size - at)), b"\0"))
        for number in range(at // PAGE, (at + len(data) + PAGE - 1) // PAGE):
            page, start = self.pages.get(number), number * PAGE - at
            if page is not None:
                first, last = max(0, start), min(len(data), start + PAGE)
                data[first:last] = page[first - start : last - start]
        return data

    def put(self):
        """Writes what was kept."""
        if not self.pages:
            return
        below = os.open(there(self.descriptor), os.O_RDWR)
        try:
            for number in sorted(self.pages):
                start = number * PAGE
                os.pwrite(below, self.pages[number][: max(0, self.size - start)], start)
        finally:
            os.close(below)
        self.pages.clear()

    def cut(self, size):
        for number in [number for number in self.pages if number * PAGE >= size]:
            del self.pages[number]
        if size % PAGE and size // PAGE in self.pages:
            self.pages[size // PAGE][size % PAGE :] = bytes(PAGE - size % PAGE)
        self.size = size


class Disk:
    """The file system."""

    def __init__(self, kernel, root):
        self.kernel, self.faults, self.lock = kernel, Faults(), threading.Lock()
        self.nodes, self.known, self.next = {1: Node(root)}, {self.key(root): 1}, 2
        self.open, self.held, self.due = {}, [], threading.Condition()

    @staticmethod
    def key(descriptor):
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino

    # What the kernel is answered.

    def answer(self, unique, data=b"", error=0):
        try:
            os.writev(self.kernel, [struct.pack("=IiQ", 16 + len(data), -error, unique), data])
        except OSError:
            pass  # nobody waits for it any more

    def attributes(self, number):
        node = self.nodes[number]
        a = os.fstat(node.descriptor)
        nanoseconds = [time % 10**9 for time in (a.st_atime_ns, a.st_mtime_ns, a.st_ctime_ns)]
        times = int(a.st_atime), int(a.st_mtime), int(a.st_ctime)
        rest = a.st_mode, a.st_nlink, a.st_uid, a.st_gid, a.st_rdev, a.st_blksize, 0
        return ATTR.pack(a.st_ino, node.length(), a.st_blocks, *times, *nanoseconds, *rest)

    def told(self, number):
        return struct.pack("=QII", KEPT, 0, 0) + self.attributes(number)

    def entry(self, parent, name):
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.nodes[parent].descriptor)
        with self.lock:
            key = self.key(descriptor)
            number = self.known.get(key)
            if number is None:
                number, self.next = self.next, self.next + 1
                self.nodes[number], self.known[key] = Node(descriptor, (parent, name) == (1, PROBE)), number
            else:
                os.close(descriptor)
            self.nodes[number].looked += 1
        return ENTRY.pack(number, 0, KEPT, KEPT, 0, 0) + self.attributes(number)

    def forget(self, number, times):
        with self.lock:
            node = self.nodes.get(number)
            if node is None or number == 1:
                return
            node.looked -= times
            if node.looked > 0 or (node.pages and os.fstat(node.descriptor).st_nlink):
                return
            self.known.pop(self.key(node.descriptor), None)
            found = os.fstat(node.descriptor)
            if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                self.faults.give_back(node)
            os.close(self.nodes.pop(number).descriptor)

    def opened(self, number, flags):
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if writes:
            self.faults.change(grows=False)
        # What is kept in memory is joined to what is below, so both are needed.
        mode = os.O_RDWR if writes else os.O_RDONLY
        return struct.pack("=QII", os.open(there(self.nodes[number].descriptor), mode | os.O_NOATIME), 0, 0)

    def made(self, parent, name, header):
        """What was made belongs to who asked for it."""
        os.chown(name, header[4], header[5], dir_fd=self.nodes[parent].descriptor, follow_symlinks=False)
        return self.entry(parent, name)

    # What the kernel asks: each takes the header and the body, and returns the answer.

    def init(self, header, body):
        ahead, flags = struct.unpack_from("=II", body, 8)
        flags &= ASYNC_READ | BIG_WRITES | PARALLEL
        return struct.pack("=IIIIHHIIHHI28x", 7, 31, ahead, flags, 32, 24, MOST, 1, 0, 0, 0)

    def lookup(self, header, body):
        return self.entry(header[3], body[:-1])

    def getattr(self, header, body):
        return self.told(header[3])

    def setattr(self, header, body):
        asked = SET.unpack_from(body)
        valid, size, mode, uid, gid = asked[0], asked[3], asked[11], asked[13], asked[14]
        node = self.nodes[header[3]]
        path = there(node.descriptor)
        self.faults.change(grows=valid & 8 and size > node.length())
        if valid & 1:
            os.chmod(path, stat.S_IMODE(mode))
        if valid & 6:
            os.chown(path, uid if valid & 2 else -1, gid if valid & 4 else -1)
        if valid & 8:
            with node.lock:
                self.faults.grant(node, size)
                os.truncate(path, size)
                node.cut(size)
        if valid & 48:
            now, found = time.time_ns(), os.fstat(node.descriptor)
            accessed = now if valid & 128 else asked[5] * 10**9 + asked[8] if valid & 16 else found.st_atime_ns
            changed = now if valid & 256 else asked[6] * 10**9 + asked[9] if valid & 32 else found.st_mtime_ns
            os.utime(path, ns=(accessed, changed))
        return self.told(header[3])

    def readlink(self, header, body):
        return os.readlink(b"", dir_fd=self.nodes[header[3]].descriptor)

    def symlink(self, header, body):
        self.faults.name()
        name, target = body[:-1].split(b"\0")
        os.symlink(target, name, dir_fd=self.nodes[header[3]].descriptor)
        return self.made(header[3], name, header)

    def mknod(self, header, body):
        self.faults.name()
        mode, device = struct.unpack_from("=II", body)
        os.mknod(body[16:-1], mode, device, dir_fd=self.nodes[header[3]].descriptor)
        return self.made(header[3], body[16:-1], header)

    def mkdir(self, header, body):
        self.faults.name()
        os.mkdir(body[8:-1], struct.unpack_from("=I", body)[0], dir_fd=self.nodes[header[3]].descriptor)
        return self.made(header[3], body[8:-1], header)

    def unlink(self, header, body):
        self.faults.change(grows=False)
        os.unlink(body[:-1], dir_fd=self.nodes[header[3]].descriptor)

    def rmdir(self, header, body):
        self.faults.change(grows=False)
        os.rmdir(body[:-1], dir_fd=self.nodes[header[3]].descriptor)

    def rename(self, header, body):
        self.faults.change(grows=False)
        old, new = body[8:-1].split(b"\0")
        to = self.nodes[struct.unpack_from("=Q", body)[0]].descriptor
        os.rename(old, new, src_dir_fd=self.nodes[header[3]].descriptor, dst_dir_fd=to)

    def link(self, header, body):
        self.faults.name()
        old = self.nodes[struct.unpack_from("=Q", body)[0]].descriptor
        os.link(there(old), body[8:-1], dst_dir_fd=self.nodes[header[3]].descriptor, follow_symlinks=True)
        return self.entry(header[3], body[8:-1])

    def openfile(self, header, body):
        return self.opened(header[3], struct.unpack_from("=I", body)[0])

    def create(self, header, body):
        self.faults.name()
        flags, mode = struct.unpack_from("=II", body)
        name, parent = body[16:-1], self.nodes[header[3]].descriptor
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY | flags & os.O_EXCL, mode, dir_fd=parent))
        entry = self.made(header[3], name, header)
        return entry + self.opened(struct.unpack_from("=Q", entry)[0], flags)

    def read(self, header, body):
        handle, at, size = READ_AT.unpack_from(body)[:3]
        self.faults.strike("read")
        node = self.nodes[header[3]]
        with node.lock:
            return node.read(handle, size, at)

    def write(self, header, body):
        handle, at, size, _, _, flags, _ = READ_AT.unpack_from(body)
        data, node = body[40 : 40 + size], self.nodes[header[3]]
        with node.lock:
            grows = at + size > node.length()
            self.faults.change(grows)
            self.faults.strike("write")
            if grows:
                size = self.faults.grant(node, at + size, whole=False) - at
                if size <= 0:
                    raise OSError(errno.ENOSPC, "")
                data = data[:size]
            if self.faults.has("unsynced") and not flags & os.O_DSYNC:
                node.keep(handle, data, at)
            else:
                node.put()
                os.pwrite(handle, data, at)
                if flags & os.O_DSYNC:
                    os.fdatasync(handle)
        return struct.pack("=II", size, 0)

    def statfs(self, header, body):
        s = os.fstatvfs(self.nodes[1].descriptor)
        left = 0 if self.faults.has("full") else max(0, self.faults.left()) / s.f_frsize
        free, available = int(min(left, s.f_bfree)), int(min(left, s.f_bavail))
        sizes = s.f_bsize, s.f_namemax, s.f_frsize
        return struct.pack("=5Q3I28x", s.f_blocks, free, available, s.f_files, s.f_ffree, *sizes)

    def release(self, header, body):
        os.close(struct.unpack_from("=Q", body)[0])

    def fsync(self, header, body):
        handle, data_only = struct.unpack_from("=QI", body)
        self.faults.strike("sync")
        node = self.nodes[header[3]]
        with node.lock:
            node.put()
        (os.fdatasync if data_only & 1 else os.fsync)(handle)

    def flush(self, header, body):
        return b""

    def opendir(self, header, body):
        return struct.pack("=QII", os.open(there(self.nodes[header[3]].descriptor), os.O_RDONLY | os.O_DIRECTORY), 0, 0)

    def readdir(self, header, body):
        handle, at, size = READ_AT.unpack_from(body)[:3]
        if at == 0 or handle not in self.open:
            with os.scandir(handle) as found:
                more = [(os.fsencode(one.name), one.inode(), self.kind(one)) for one in found]
            self.open[handle] = [(b".", 1, 4), (b"..", 1, 4), *more]
        text = b""
        for number, (name, inode, kind) in enumerate(self.open[handle][at:], at + 1):
            piece = struct.pack("=QQII", inode, number, len(name), kind) + name
            piece += bytes(-len(piece) % 8)
            if len(text) + len(piece) > size:
                break
            text += piece
        return text

    @staticmethod
    def kind(found):
        if found.is_symlink():
            return 10
        return 4 if found.is_dir() else 8

    def releasedir(self, header, body):
        handle = struct.unpack_from("=Q", body)[0]
        self.open.pop(handle, None)
        os.close(handle)

    def fallocate(self, header, body):
        handle, at, length, mode = struct.unpack_from("=QQQI", body)
        if mode:
            raise OSError(errno.EOPNOTSUPP, "")
        self.faults.change()
        node = self.nodes[header[3]]
        with node.lock:
            if at + length > node.length():
                self.faults.grant(node, at + length)
            os.posix_fallocate(handle, at, length)

    ASKED = {
        1: lookup, 3: getattr, 4: setattr, 5: readlink, 6: symlink, 8: mknod, 9: mkdir, 10: unlink, 11: rmdir,
        12: rename, 13: link, 14: openfile, 15: read, 16: write, 17: statfs, 18: release, 20: fsync, 25: flush,
        26: init, 27: opendir, 28: readdir, 29: releasedir, 30: fsync, 35: create, 43: fallocate,
    }
    TIMED = {15: "read", 16: "write", 20: "sync", 30: "sync"}

    def handle(self, request):
        header = HEADER.unpack_from(request)
        code, unique, body = header[1], header[2], request[40 : header[0]]
        if code in (2, 42, 36):
            return self.unanswered(code, header[3], body)
        asked, data, error = self.ASKED.get(code), b"", errno.ENOSYS
        # What stands in the way of an operation was there when it started.
        late = self.faults.late(self.TIMED.get(code))
        if asked is not None:
            try:
                data, error = asked(self, header, body) or b"", 0
            except OSError as failed:
                error = failed.errno or errno.EIO
            except KeyError:
                error = errno.ESTALE
        if not late:
            return self.answer(unique, data, error)
        with self.due:
            heapq.heappush(self.held, (time.monotonic() + late, unique, data, error))
            self.due.notify()

    def unanswered(self, code, number, body):
        if code == 2:
            self.forget(number, struct.unpack_from("=Q", body)[0])
        elif code == 42:
            for index in range(struct.unpack_from("=I", body)[0]):
                self.forget(*struct.unpack_from("=QQ", body, 8 + 16 * index))

    # Who does it.

    def work(self):
        buffer = bytearray(MOST + PAGE)
        while True:
            try:
                length = os.readv(self.kernel, [buffer])
            except OSError as failed:
                if failed.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                os._exit(0)  # it was unmounted
            self.handle(bytes(buffer[:length]))

    def let_go(self):
        """Gives the answers that were held back when their time has come."""
        while True:
            with self.due:
                while not self.held or self.held[0][0] > time.monotonic():
                    self.due.wait(self.held[0][0] - time.monotonic() if self.held else None)
                _, unique, data, error = heapq.heappop(self.held)
            self.answer(unique, data, error)

    def used(self):
        """What all files hold, but for the one of who looks at the disk."""
        total, seen = 0, set()
        for folder, _, names, handle in os.fwalk(b".", dir_fd=self.nodes[1].descriptor):
            for name in names:
                if (folder, name) == (b".", PROBE):
                    continue
                try:
                    found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                except OSError:
                    continue  # it was removed meanwhile
                if found.st_ino not in seen:
                    seen.add(found.st_ino)
                    total += paged(found.st_size)
        return total

    def obey(self, faults):
        """Puts these faults in force, and returns what is to be told of them."""
        most = self.faults.impose(faults, self.used)
        if not self.faults.has("unsynced"):
            for node in list(self.nodes.values()):
                with node.lock:
                    node.put()
        return json.dumps({"most": most})


def mount(kernel):
    """Mounts over the folder in the node's own view of its files, which is another one than ours."""
    options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions" % kernel
    child = os.fork()
    if child == 0:
        try:
            bound("SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE")
            os.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0x20000)
            must(LIBRARY.mount(b"drdrill", FOLDER, b"fuse.drdrill", 6, options))
        except OSError as failed:
            os._exit(failed.errno)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))


def main():
    lines = sys.stdin
    faults = json.loads(lines.readline())
    shut()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.umask(0)
    root = b"/proc/1/root" + FOLDER
    os.makedirs(root, exist_ok=True)
    below = os.open(root, os.O_PATH | os.O_DIRECTORY)
    disk = Disk(os.open("/dev/fuse", os.O_RDWR), below)
    told = disk.obey(faults)
    mount(disk.kernel)
    # The threads that are started from here on have no other rights.
    bound("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD")
    # Where what lies below can be looked at: the mount hides it.
    with open("/run/drdrill-disk", "w") as place:
        place.write(f"/proc/{os.getpid()}/fd/{below}")
    for task in [disk.work] * WORKERS + [disk.let_go]:
        threading.Thread(target=task, daemon=True).start()
    print(told, flush=True)
    for line in lines:
        print(disk.obey(json.loads(line)), flush=True)
    disk.obey([])
    threading.Event().wait()


try:
    main()
except Exception as failed:
    print(json.dumps({"error": str(failed)}), flush=True)
    raise
