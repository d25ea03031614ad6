/* The time of day as a control file has it, for programs that load this before their C library.
 *
 * The file is /drdrill-clock/at: four words of 64 bits in the machine's order, of which the last is the exclusive or of the
 * others and a constant: the point of real time, ns, from which the clock is wrong; by how much it jumps there, ns; how much
 * faster it goes from there, parts in 10^9. It is written in place, so that every process sees a change at once.
 *
 * No C library is needed to build it and none is called to tell the time: allocators ask for the time while they set
 * themselves up, when nothing else works yet. Clocks that only measure how long something takes are left as they are.
 */
typedef long long i64;
typedef unsigned long long u64;
typedef struct { i64 sec; i64 nsec; } timespec;
typedef struct { i64 sec; i64 usec; } timeval;
typedef struct { i64 from, jump, faster; } fault;

enum { REALTIME = 0, REALTIME_COARSE = 5, TAI = 11, EPOCH = 1000000000 };
static const char PATH[] = "/drdrill-clock/at";
static const u64 SEAL = 0x64726472696c6c31ULL;
static const i64 SECOND = 1000000000LL;

#if defined(__x86_64__)
enum { OPENAT = 257, CLOSE = 3, MMAP = 9, CLOCK_GETTIME = 228 };
static i64 call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
    i64 result;
    register i64 r10 __asm__("r10") = d;
    register i64 r8 __asm__("r8") = e;
    register i64 r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result)
        : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { OPENAT = 56, CLOSE = 57, MMAP = 222, CLOCK_GETTIME = 113 };
static i64 call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
    register i64 x8 __asm__("x8") = number;
    register i64 x0 __asm__("x0") = a;
    register i64 x1 __asm__("x1") = b;
    register i64 x2 __asm__("x2") = c;
    register i64 x3 __asm__("x3") = d;
    register i64 x4 __asm__("x4") = e;
    register i64 x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "this machine's system calls are not known here"
#endif

extern int *__errno_location(void);
extern void *dlsym(void *handle, const char *name);
#define NEXT ((void *)-1L)

/* The control file, mapped once; 1 where there is none. */
static const volatile u64 *page;

static const volatile u64 *control(void) {
    const volatile u64 *seen = __atomic_load_n(&page, __ATOMIC_ACQUIRE);
    if (seen == 0) {
        i64 file = call(OPENAT, -100, (i64)PATH, 02000000, 0, 0, 0);
        i64 at = -1;
        if (file >= 0) {
            at = call(MMAP, 0, 4096, 1, 1, file, 0);
            call(CLOSE, file, 0, 0, 0, 0, 0);
        }
        seen = at > 0 || at < -4095 ? (const volatile u64 *)at : (const volatile u64 *)1;
        __atomic_store_n(&page, seen, __ATOMIC_RELEASE);
    }
    return seen == (const volatile u64 *)1 ? 0 : seen;
}

/* What is wrong with the clock; 0 if nothing is. A file that is being written is read again. */
static int wrong(fault *found) {
    const volatile u64 *words = control();
    if (words == 0) return 0;
    for (int tries = 0; tries < 1000000; tries++) {
        u64 a = words[0], b = words[1], c = words[2], seal = words[3];
        if ((a ^ b ^ c ^ SEAL) == seal) {
            found->from = (i64)a;
            found->jump = (i64)b;
            found->faster = (i64)c;
            return found->jump != 0 || found->faster != 0;
        }
    }
    return 0;
}

static i64 told(i64 real) {
    fault now;
    if (!wrong(&now) || real < now.from) return real;
    return real + now.jump + (i64)((double)(real - now.from) * ((double)now.faster / 1e9));
}

/* The point of real time at which the wrong clock will show this. */
static i64 real(i64 told) {
    fault now;
    if (!wrong(&now)) return told;
    i64 ahead = told - now.jump - now.from;
    if (ahead <= 0) return told - now.jump;
    return now.from + (i64)((double)ahead / (1.0 + (double)now.faster / 1e9));
}

static i64 of(const timespec *at) { return at->sec * SECOND + at->nsec; }

static timespec as(i64 nanoseconds) {
    timespec at = { nanoseconds / SECOND, nanoseconds % SECOND };
    return at;
}

int clock_gettime(int clock, timespec *at) {
    i64 result = call(CLOCK_GETTIME, clock, (i64)at, 0, 0, 0, 0);
    if (result < 0) {
        *__errno_location() = (int)-result;
        return -1;
    }
    if (clock == REALTIME || clock == REALTIME_COARSE || clock == TAI) *at = as(told(of(at)));
    return 0;
}

int gettimeofday(timeval *at, void *zone) {
    (void)zone;
    timespec now;
    if (at != 0 && clock_gettime(REALTIME, &now) == 0) {
        at->sec = now.sec;
        at->usec = now.nsec / 1000;
    }
    return 0;
}

i64 time(i64 *at) {
    timespec now = { 0, 0 };
    clock_gettime(REALTIME, &now);
    if (at != 0) *at = now.sec;
    return now.sec;
}

int timespec_get(timespec *at, int base) {
    return base == 1 && clock_gettime(REALTIME, at) == 0 ? base : 0;
}

/* A wait on a condition until a point of the wrong clock. A point before the year 2001 is of a clock that counts from boot. */
typedef int (*waits)(void *, void *, const timespec *);
typedef int (*waits_by)(void *, void *, int, const timespec *);

int pthread_cond_timedwait(void *condition, void *mutex, const timespec *until) {
    static waits next;
    if (next == 0) next = (waits)dlsym(NEXT, "pthread_cond_timedwait");
    timespec led = until->sec > EPOCH ? as(real(of(until))) : *until;
    return next(condition, mutex, &led);
}

int pthread_cond_clockwait(void *condition, void *mutex, int clock, const timespec *until) {
    static waits_by next;
    if (next == 0) next = (waits_by)dlsym(NEXT, "pthread_cond_clockwait");
    timespec led = clock == REALTIME ? as(real(of(until))) : *until;
    return next(condition, mutex, clock, &led);
}
