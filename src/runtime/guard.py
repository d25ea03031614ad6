"""What stands before each program of ours that looks into a node: no file of the node's is code to it.

A node's image is a stranger's. Once a program stands among its files, the interpreter's own places to import from lead
there; once it runs among its processes, the node can see it. So everything is imported first, `shut` takes those
places away, and `bound` and `hold` leave only the rights that are still needed.
"""
import ctypes, os, sys, threading

LIBRARY = ctypes.CDLL(None, use_errno=True)
RIGHTS = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "SETGID": 6, "SETUID": 7, "SYS_CHROOT": 18, "SYS_PTRACE": 19,
    "SYS_ADMIN": 21, "MKNOD": 27,
}


def shut():
    """Nothing is imported from here on, an encoding or what would print an error's origin neither."""
    for places in (sys.path, sys.meta_path, sys.path_hooks, sys.path_importer_cache):
        places.clear()
    sys.excepthook = lambda kind, error, _: tell(error)
    threading.excepthook = sys.unraisablehook = lambda failed: tell(failed.exc_value)


def tell(error):
    os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))


def must(code):
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def bound(*rights):
    """Takes all rights but these, for good: no program that is executed brings them back."""
    must(LIBRARY.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    must(LIBRARY.prctl(47, 4, 0, 0, 0))  # PR_CAP_AMBIENT, ..._CLEAR_ALL
    kept, right = {RIGHTS[name] for name in rights}, 0
    while (has := LIBRARY.prctl(23, right, 0, 0, 0)) >= 0:  # PR_CAPBSET_READ, until there is no such right
        if has and right not in kept:
            must(LIBRARY.prctl(24, right, 0, 0, 0))  # PR_CAPBSET_DROP
        right += 1
    hold(*rights)


def hold(*rights):
    """Leaves this thread these rights, and the node none over it: it cannot be traced, nor its files be reached."""
    kept = sum(1 << RIGHTS[name] for name in rights)
    header, words = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    words[0] = words[1] = kept & 0xFFFFFFFF
    must(LIBRARY.capset(header, words))
    must(LIBRARY.prctl(4, 0, 0, 0, 0))  # PR_SET_DUMPABLE


