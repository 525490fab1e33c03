// Linux's epoll, eventfd and asynchronous I/O for Swift, under plain names. Nothing here keeps state.
#ifndef CPOLL_H
#define CPOLL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// MARK: a list of descriptors

/// A list of descriptors to wait for; negative when there is none.
static inline int cpoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// Puts a descriptor on the list or changes what is waited for, whether or not the list has it: the number may be that of another one
/// that was closed without being taken from the list.
static inline int cpoll_set(int list, int descriptor, int reads, int writes, int is_new) {
    struct epoll_event event = {.events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0), .data = {.fd = descriptor}};
    if (epoll_ctl(list, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    return epoll_ctl(list, is_new ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
}

static inline void cpoll_remove(int list, int descriptor) { epoll_ctl(list, EPOLL_CTL_DEL, descriptor, NULL); }

/// A descriptor that is ready, and for what: an end or a failure counts as both.
struct cpoll_ready {
    int descriptor;
    int reads;
    int writes;
};

/// As many descriptors as one look tells of: enough for everybody, the others come next time.
#define CPOLL_MOST 256

/// Descriptors that are ready, at most CPOLL_MOST; negative when the system has no answer.
static inline int cpoll_look(int list, struct cpoll_ready *ready) {
    struct epoll_event events[CPOLL_MOST];
    int count = epoll_wait(list, events, CPOLL_MOST, 0);
    for (int index = 0; index < count; index++) {
        uint32_t seen = events[index].events;
        if (seen & (EPOLLERR | EPOLLHUP)) seen |= EPOLLIN | EPOLLOUT;
        ready[index].descriptor = events[index].data.fd;
        ready[index].reads = (seen & EPOLLIN) != 0;
        ready[index].writes = (seen & EPOLLOUT) != 0;
    }
    return count;
}

// MARK: a counter that can be waited for

/// Readable once it has been counted up; the system's error as a negative number when there is none.
/// A read waits for that only where `waits` is not zero.
static inline int cpoll_counter(int waits) {
    int counter = eventfd(0, EFD_CLOEXEC | (waits ? 0 : EFD_NONBLOCK));
    return counter < 0 ? -errno : counter;
}

static inline void cpoll_count(int counter, uint64_t number) {
    ssize_t written = write(counter, &number, sizeof number);
    (void)written;
}

/// What it was counted up to, which begins anew; zero when that cannot be read.
static inline uint64_t cpoll_counted(int counter) {
    uint64_t number = 0;
    return read(counter, &number, sizeof number) == sizeof number ? number : 0;
}

/// Waits until one of two descriptors can be read.
static inline void cpoll_wait(int first, int second) {
    struct pollfd both[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    poll(both, 2, -1);
}

/// Of a list or a counter, when nobody uses it any more.
static inline void cpoll_close(int descriptor) { close(descriptor); }

/// The same under another number; negative when there is none left.
static inline int cpoll_copy(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

// MARK: a wish that the system counts a counter up

/// Room for one wish; zero when there is none, as in a sandbox that does not let it be.
static inline unsigned long cpoll_wishes(void) {
    aio_context_t wishes = 0;
    return syscall(SYS_io_setup, 1, &wishes) == 0 ? wishes : 0;
}

/// The system counts `counter` up once when `list` has something ready. Negative when it will not, as before Linux 4.19.
static inline int cpoll_wish(unsigned long wishes, int list, int counter) {
    struct iocb wish;
    struct iocb *all = &wish;
    memset(&wish, 0, sizeof wish);
    wish.aio_lio_opcode = IOCB_CMD_POLL;
    wish.aio_fildes = (uint32_t)list;
    wish.aio_buf = POLLIN;
    wish.aio_flags = IOCB_FLAG_RESFD;
    wish.aio_resfd = (uint32_t)counter;
    return syscall(SYS_io_submit, wishes, 1, &all) == 1 ? 0 : -1;
}

/// Whether the wish has come true, which makes room for the next. Negative when the system does not tell.
static inline int cpoll_came_true(unsigned long wishes) {
    struct io_event event;
    return (int)syscall(SYS_io_getevents, wishes, 0, 1, &event, NULL);
}

static inline void cpoll_forget(unsigned long wishes) { syscall(SYS_io_destroy, wishes); }

#endif
