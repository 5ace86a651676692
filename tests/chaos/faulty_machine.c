/*
 * Loaded before the C library (LD_PRELOAD), it gives one program a disk and a clock of its own, as the
 * chaos has them: RAFTLITE_CHAOS_CONTROL is a file of seven 64-bit integers, which is looked at all the
 * time. The disk is what lies below RAFTLITE_CHAOS_DISK.
 *
 *   0  ms by which the clock of the day is wrong; clocks that only measure time go on as ever
 *   1  not 0: the disk is full, and no file on it grows; more than 1: after one write fewer by which
 *      one does
 *   2  ms that each write takes, as on a disk that hangs
 *   3  ms that each sync takes
 *   4  not 0: the next sync fails with EIO, and this becomes 0
 *   5  how often a sync has failed so
 *   6  ms for which the machine has slept: CLOCK_MONOTONIC stood meanwhile, CLOCK_BOOTTIME did not
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_MS, FULL, WRITE_MS, SYNC_MS, SYNC_FAILS, SYNCS_FAILED, SLEPT_MS, COUNT };

static volatile int64_t nothing[COUNT];
static volatile int64_t *control = nothing;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  real_clock_gettime = REAL(clock_gettime);
  const char *path = getenv("RAFTLITE_CHAOS_CONTROL");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) control = map;
}

int clock_gettime(clockid_t clock, struct timespec *into) {
  if (real_clock_gettime == NULL) real_clock_gettime = REAL(clock_gettime);
  int result = real_clock_gettime(clock, into);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    into->tv_sec += control[CLOCK_MS] / 1000;
  }
  if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
    int64_t ns = into->tv_sec * 1000000000LL + into->tv_nsec - control[SLEPT_MS] * 1000000;
    into->tv_sec = ns / 1000000000;
    into->tv_nsec = ns % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  into->tv_sec = now.tv_sec;
  into->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != NULL) *into = now.tv_sec;
  return now.tv_sec;
}

static int is_on_disk(int fd) {
  const char *disk = getenv("RAFTLITE_CHAOS_DISK");
  char link[64], path[4096];
  if (disk == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, disk, strlen(disk)) == 0;
}

/* Whether what ends there has no room. */
static int has_no_room(int fd, off_t end) {
  struct stat stat;
  if (!control[FULL] || !is_on_disk(fd) || fstat(fd, &stat) != 0 || end <= stat.st_size) return 0;
  int64_t left = control[FULL];
  while (left > 1) {
    if (__atomic_compare_exchange_n(&control[FULL], &left, left - 1, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
      return 0;
    }
  }
  return left == 1;
}

static off_t position(int fd, size_t count) { return lseek(fd, 0, SEEK_CUR) + (off_t)count; }

static void wait_for(int fd, int64_t ms) {
  if (ms > 0 && is_on_disk(fd)) usleep((useconds_t)ms * 1000);
}

static int is_refused(int fd, off_t end) {
  wait_for(fd, control[WRITE_MS]);
  if (!has_no_room(fd, end)) return 0;
  errno = ENOSPC;
  return 1;
}

ssize_t write(int fd, const void *from, size_t count) {
  if (control[FULL] || control[WRITE_MS]) {
    if (is_refused(fd, control[FULL] ? position(fd, count) : 0)) return -1;
  }
  return REAL(write)(fd, from, count);
}

ssize_t writev(int fd, const struct iovec *from, int pieces) {
  size_t count = 0;
  for (int i = 0; i < pieces; i++) count += from[i].iov_len;
  if (control[FULL] || control[WRITE_MS]) {
    if (is_refused(fd, control[FULL] ? position(fd, count) : 0)) return -1;
  }
  return REAL(writev)(fd, from, pieces);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
  return is_refused(fd, at + (off_t)count) ? -1 : REAL(pwrite)(fd, from, count, at);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
  return is_refused(fd, at + (off64_t)count) ? -1 : REAL(pwrite64)(fd, from, count, at);
}

int ftruncate(int fd, off_t length) {
  return is_refused(fd, length) ? -1 : REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
  return is_refused(fd, length) ? -1 : REAL(ftruncate64)(fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t length) {
  return is_refused(fd, at + length) ? -1 : REAL(fallocate)(fd, mode, at, length);
}

int fallocate64(int fd, int mode, off64_t at, off64_t length) {
  return is_refused(fd, at + length) ? -1 : REAL(fallocate64)(fd, mode, at, length);
}

int posix_fallocate(int fd, off_t at, off_t length) {
  return is_refused(fd, at + length) ? ENOSPC : REAL(posix_fallocate)(fd, at, length);
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
  return is_refused(fd, at + length) ? ENOSPC : REAL(posix_fallocate64)(fd, at, length);
}

static int sync_fails(int fd) {
  wait_for(fd, control[SYNC_MS]);
  if (!control[SYNC_FAILS] || !is_on_disk(fd)) return 0;
  int64_t one = 1;
  if (!__atomic_compare_exchange_n(&control[SYNC_FAILS], &one, 0, 0, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST)) {
    return 0;
  }
  __atomic_add_fetch(&control[SYNCS_FAILED], 1, __ATOMIC_SEQ_CST);
  errno = EIO;
  return 1;
}

int fsync(int fd) { return sync_fails(fd) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return sync_fails(fd) ? -1 : REAL(fdatasync)(fd); }
