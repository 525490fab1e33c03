// Linux's epoll and eventfd for Swift, under plain names. Nothing here keeps state.
#ifndef CPOLL_H
#define CPOLL_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/// A list of descriptors to wait for; negative when there is none.
static inline int cpoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// Something that `cpoll_call` makes readable; negative when there is none.
static inline int cpoll_waker(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline int cpoll_set(int list, int descriptor, int reads, int writes, int is_new) {
    struct epoll_event event = {.events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0), .data = {.fd = descriptor}};
    return epoll_ctl(list, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event);
}

static inline void cpoll_remove(int list, int descriptor) { epoll_ctl(list, EPOLL_CTL_DEL, descriptor, NULL); }

/// As many descriptors as one wait tells of: enough for everybody, the others come next time.
#define CPOLL_MOST 256

/// Descriptors that are ready, at most `most`; negative when the wait was interrupted.
static inline int cpoll_wait(int list, int *ready, int most, int milliseconds) {
    struct epoll_event events[CPOLL_MOST];
    int count = epoll_wait(list, events, most < CPOLL_MOST ? most : CPOLL_MOST, milliseconds);
    for (int index = 0; index < count; index++) ready[index] = events[index].data.fd;
    return count;
}

static inline void cpoll_call(int waker) {
    uint64_t one = 1;
    ssize_t written = write(waker, &one, sizeof one);
    (void)written;
}

static inline void cpoll_heard(int waker) {
    uint64_t calls;
    ssize_t count = read(waker, &calls, sizeof calls);
    (void)count;
}

#endif
