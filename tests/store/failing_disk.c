/*
 * Loaded before the C library (LD_PRELOAD), it makes a disk that fails, for the files and at the
 * moment that a test chooses by files in the directory RAFTLITE_TEST_DISK:
 *
 *   sync-fails   holds the end of a path: the next sync of such a file fails with EIO, and only
 *                that one, as Linux does it: https://wiki.postgresql.org/wiki/Fsync_Errors
 *   write-out-fails   the same for the next time that pages are to be written out before a sync, with EPERM
 *   slow         holds milliseconds, a space and the end of a path: each read and write takes as long
 *   slow-sync    the same for each sync
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int control(const char *name, char *path, char *text, size_t size) {
  const char *directory = getenv("RAFTLITE_TEST_DISK");
  if (directory == NULL) return 0;
  snprintf(path, 4096, "%s/%s", directory, name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  size_t length = fread(text, 1, size - 1, file);
  fclose(file);
  text[length] = 0;
  return length > 0;
}

static int ends_with(int fd, const char *end) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t wanted = strlen(end);
  return (size_t)length >= wanted && strcmp(path + length - wanted, end) == 0;
}

static int fails(int fd, const char *name) {
  char path[4096], end[256];
  if (!control(name, path, end, sizeof end) || !ends_with(fd, end)) return 0;
  return unlink(path) == 0;
}

static void be_slow(int fd, const char *name) {
  char path[4096], text[256];
  if (!control(name, path, text, sizeof text)) return;
  char *end;
  long ms = strtol(text, &end, 10);
  if (*end == ' ' && ends_with(fd, end + 1)) usleep((useconds_t)ms * 1000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fdatasync(int fd) {
  be_slow(fd, "slow-sync");
  if (!fails(fd, "sync-fails")) return REAL(fdatasync)(fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  be_slow(fd, "slow-sync");
  if (!fails(fd, "sync-fails")) return REAL(fsync)(fd);
  errno = EIO;
  return -1;
}

int sync_file_range(int fd, off64_t from, off64_t count, unsigned flags) {
  if (!fails(fd, "write-out-fails")) return REAL(sync_file_range)(fd, from, count, flags);
  /* A file system over a network, or of a program, has what errors it likes. */
  errno = EPERM;
  return -1;
}

ssize_t pread(int fd, void *into, size_t count, off_t at) {
  be_slow(fd, "slow");
  return REAL(pread)(fd, into, count, at);
}

ssize_t pread64(int fd, void *into, size_t count, off64_t at) {
  be_slow(fd, "slow");
  return REAL(pread64)(fd, into, count, at);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
  be_slow(fd, "slow");
  return REAL(pwrite)(fd, from, count, at);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
  be_slow(fd, "slow");
  return REAL(pwrite64)(fd, from, count, at);
}
