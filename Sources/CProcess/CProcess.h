// What the process asks of Linux, where Swift cannot: variadic calls and address structures.
#ifndef CPROCESS_H
#define CPROCESS_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/// No core dump of this process, no other process of this user may look into it, and no child gains privileges.
/// Returns 0 when all of it holds.
static inline int cprocess_seal(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return -1;
    if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
}

/// A crash ends the process and nothing else. Swift's runtime would write what registers and stacks hold to standard error, and may wait for
/// ever for a helper that is not allowed to look into this process.
static inline void cprocess_crash_silently(void) {
    const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGQUIT};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) signal(signals[index], SIG_DFL);
}

/// A loaded object as `dl_iterate_phdr` tells of it: the beginning of its own structure, which is declared for GNU programs alone.
struct cprocess_loaded_object {
    uintptr_t address;
    const char *name;
#if __SIZEOF_POINTER__ == 8
    const Elf64_Phdr *segments;
#else
    const Elf32_Phdr *segments;
#endif
    uint16_t count;
};

static inline int cprocess_forget_constants_of(struct cprocess_loaded_object *object, size_t size, void *page_size) {
    (void)size;
    size_t page = *(size_t *)page_size;
    for (int index = 0; index < object->count; index++) {
        // Never what may have been written to: only code and constants, which the file holds as well.
        if (object->segments[index].p_type != PT_LOAD || (object->segments[index].p_flags & PF_W) != 0) continue;
        uintptr_t start = (object->address + object->segments[index].p_vaddr) & ~(page - 1);
        uintptr_t end = object->address + object->segments[index].p_vaddr + object->segments[index].p_memsz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

/// Gives the pages of code and constants back to the page cache; what is still needed comes from there again, the rest was for the
/// start alone.
static inline void cprocess_forget_constants(void) {
    int (*each)(int (*)(struct cprocess_loaded_object *, size_t, void *), void *) =
        (int (*)(int (*)(struct cprocess_loaded_object *, size_t, void *), void *))dlsym(NULL, "dl_iterate_phdr");
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (each != NULL) each(cprocess_forget_constants_of, &page);
}

/// As many open descriptors as the system allows.
static inline int cprocess_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/// How many descriptors may be open; 0 when that cannot be told.
static inline unsigned long cprocess_descriptor_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (unsigned long)limit.rlim_cur : 0;
}

/// A `sockaddr_un` for a path, or for an abstract name when it begins with `@`. Returns its length, 0 when it is too long.
static inline socklen_t cprocess_unix_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) return 0;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@') address->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
}

/// Sends one datagram to systemd (sd_notify), or none if it does not listen for so many milliseconds; zero: the caller never waits.
/// Returns 0 when it went out.
static inline int cprocess_notify(const char *socket_path, const char *message, int patience) {
    struct sockaddr_un address;
    socklen_t length = cprocess_unix_address(socket_path, &address);
    if (length == 0) return -1;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    struct timeval limit = {patience / 1000, patience % 1000 * 1000};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int flags = MSG_NOSIGNAL | (patience > 0 ? 0 : MSG_DONTWAIT);
    ssize_t sent = sendto(descriptor, message, strlen(message), flags, (struct sockaddr *)&address, length);
    close(descriptor);
    return sent < 0 ? -1 : 0;
}

/// Whether somebody listens on a unix socket: 1 yes, 0 no, -1 it cannot be told (`errno`).
static inline int cprocess_is_alive(const char *path) {
    struct sockaddr_un address;
    socklen_t length = cprocess_unix_address(path, &address);
    if (length == 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int result = connect(descriptor, (struct sockaddr *)&address, length);
    int code = errno;
    close(descriptor);
    errno = code;
    if (result == 0) return 1;
    return code == ECONNREFUSED ? 0 : -1;
}

/// Whether a listening socket that was handed over is a unix socket or on loopback: 1 yes, 0 no, -1 it is none.
static inline int cprocess_listens_locally(int descriptor) {
    int accepts = 0;
    socklen_t length = sizeof accepts;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) != 0 || !accepts) return -1;
    struct sockaddr_storage address;
    length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) return -1;
    if (address.ss_family == AF_UNIX) return 1;
    if (address.ss_family == AF_INET)
        return (ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24) == 127;
    if (address.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&address)->sin6_addr) ? 1 : 0;
    return -1;
}

#endif
