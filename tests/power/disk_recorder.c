/*
 * Writes down what SQLite does to the files below some directories of this process: what it opens,
 * writes, cuts off, syncs and removes, in order. Laid over the VFS "unix" of the library at the given
 * path in place, so that whoever calls it, or copies it later, comes here as well. Of those who have
 * copied it before, the program's own layer is one: it is made once for a process, perhaps by another
 * thread, and opens by "unix" itself, but has its own copy of the call that removes.
 *
 * An event is four numbers of 32 bits, the machine's, and an offset of 64: kind, handle, bytes that
 * follow, 0. Written bytes follow a write; the path follows an open and a removal.
 *
 * The disk can be made to have no room for some writes, and to fail at one sync.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* https://www.sqlite.org/c3ref/io_methods.html */
typedef struct file file;
typedef struct {
  int version;
  int (*close)(file *);
  int (*read)(file *, void *, int, int64_t);
  int (*write)(file *, const void *, int, int64_t);
  int (*truncate)(file *, int64_t);
  int (*sync)(file *, int);
  void *others[13];
} methods;
struct file {
  const methods *methods;
};

/* https://www.sqlite.org/c3ref/vfs.html, as far as it is needed */
typedef struct vfs vfs;
struct vfs {
  int version, file_bytes, path_bytes_max;
  vfs *next;
  const char *name;
  void *data;
  int (*open)(vfs *, const char *, file *, int, int *);
  int (*remove)(vfs *, const char *, int);
};

enum { CREATE = 0x4, MAIN_JOURNAL = 0x800, SUPER_JOURNAL = 0x4000, WAL = 0x80000 };
enum { OPENED, WRITTEN, CUT_OFF, SYNCED, REMOVED, DIRECTORY_SYNCED, CLOSED, SYNC_FAILED, REFUSED };

/* https://www.sqlite.org/rescode.html */
enum { FULL = 13, IOERR_FSYNC = 1034 };

typedef struct {
  uint32_t kind, handle, bytes, zero;
  int64_t offset;
} event;

typedef struct recording recording;
struct recording {
  recording *next;
  char *directory;
  unsigned char *events;
  size_t length, room;
  /* How many writes find room yet, and how many then do not; below 0, no sync is to fail. */
  int writes_left, writes_refused, syncs_left;
};

typedef struct handle handle;
struct handle {
  handle *next;
  file *of;
  recording *to;
  const methods *original;
  methods own;
  uint32_t number;
  /* SQLite's unix VFS syncs the directory with the first sync of a journal or WAL that it may have made. */
  int syncs_directory;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static recording *recordings;
static handle *handles;
static uint32_t last_number;
static int (*original_open)(vfs *, const char *, file *, int, int *);
static int (*original_remove)(vfs *, const char *, int);
static vfs *(*find)(const char *);

/* With the mutex. */
static void note(recording *to, uint32_t kind, uint32_t number, int64_t offset, const void *from, size_t bytes) {
  event head = {kind, number, (uint32_t)bytes, 0, offset};
  size_t length = to->length + sizeof head + bytes;
  if (length > to->room) {
    to->room = 2 * length;
    to->events = realloc(to->events, to->room);
    if (to->events == NULL) abort();
  }
  memcpy(to->events + to->length, &head, sizeof head);
  if (bytes > 0) memcpy(to->events + to->length + sizeof head, from, bytes);
  to->length = length;
}

static recording *recording_of(const char *path) {
  for (recording *each = recordings; each != NULL; each = each->next) {
    size_t length = strlen(each->directory);
    if (strncmp(path, each->directory, length) == 0 && path[length] == '/') return each;
  }
  return NULL;
}

static handle *handle_of(file *of) {
  handle *each;
  pthread_mutex_lock(&mutex);
  for (each = handles; each != NULL && each->of != of; each = each->next);
  pthread_mutex_unlock(&mutex);
  return each;
}

static void note_of(handle *h, uint32_t kind, int64_t offset, const void *from, size_t bytes) {
  pthread_mutex_lock(&mutex);
  if (h->to != NULL) note(h->to, kind, h->number, offset, from, bytes);
  pthread_mutex_unlock(&mutex);
}

static int is_full(handle *h) {
  int is = 0;
  pthread_mutex_lock(&mutex);
  if (h->to != NULL && h->to->writes_refused > 0) {
    if (h->to->writes_left > 0) h->to->writes_left--;
    else {
      h->to->writes_refused--;
      is = 1;
    }
  }
  pthread_mutex_unlock(&mutex);
  return is;
}

static int sync_fails(handle *h) {
  int fails;
  pthread_mutex_lock(&mutex);
  fails = h->to != NULL && h->to->syncs_left >= 0 && h->to->syncs_left-- == 0;
  pthread_mutex_unlock(&mutex);
  return fails;
}

static int own_write(file *of, const void *from, int bytes, int64_t offset) {
  handle *h = handle_of(of);
  int rc;
  if (is_full(h)) {
    note_of(h, REFUSED, 0, NULL, 0);
    return FULL;
  }
  rc = h->original->write(of, from, bytes, offset);
  if (rc == 0) note_of(h, WRITTEN, offset, from, (size_t)bytes);
  return rc;
}

static int own_truncate(file *of, int64_t size) {
  handle *h = handle_of(of);
  int rc = h->original->truncate(of, size);
  if (rc == 0) note_of(h, CUT_OFF, size, NULL, 0);
  return rc;
}

static int own_sync(file *of, int flags) {
  handle *h = handle_of(of);
  int rc;
  if (sync_fails(h)) {
    note_of(h, SYNC_FAILED, 0, NULL, 0);
    return IOERR_FSYNC;
  }
  rc = h->original->sync(of, flags);
  if (rc != 0) return rc;
  note_of(h, SYNCED, 0, NULL, 0);
  if (h->syncs_directory) note_of(h, DIRECTORY_SYNCED, 0, NULL, 0);
  h->syncs_directory = 0;
  return rc;
}

static int own_close(file *of) {
  handle *h = handle_of(of), **at = &handles;
  const methods *original = h->original;
  note_of(h, CLOSED, 0, NULL, 0);
  pthread_mutex_lock(&mutex);
  while (*at != h) at = &(*at)->next;
  *at = h->next;
  pthread_mutex_unlock(&mutex);
  free(h);
  return original->close(of);
}

static int own_open(vfs *over, const char *path, file *of, int flags, int *out) {
  int rc = original_open(over, path, of, flags, out);
  recording *to;
  if (rc != 0 || path == NULL || of->methods == NULL) return rc;
  pthread_mutex_lock(&mutex);
  to = recording_of(path);
  if (to != NULL) {
    handle *h = calloc(1, sizeof *h);
    if (h == NULL) abort();
    h->of = of;
    h->to = to;
    h->number = ++last_number;
    h->syncs_directory = (flags & CREATE) != 0 && (flags & (MAIN_JOURNAL | SUPER_JOURNAL | WAL)) != 0;
    h->original = of->methods;
    /* An older version's are fewer: what is behind them is read by nobody. */
    memcpy(&h->own, of->methods, of->methods->version >= 3 ? sizeof h->own : sizeof h->own - 2 * sizeof(void *));
    h->own.close = own_close;
    h->own.write = own_write;
    h->own.truncate = own_truncate;
    h->own.sync = own_sync;
    of->methods = &h->own;
    h->next = handles;
    handles = h;
    note(to, OPENED, h->number, 0, path, strlen(path));
  }
  pthread_mutex_unlock(&mutex);
  return rc;
}

static int own_remove(vfs *over, const char *path, int sync_directory) {
  int rc = original_remove(over, path, sync_directory);
  recording *to;
  if (rc != 0) return rc;
  pthread_mutex_lock(&mutex);
  to = recording_of(path);
  if (to != NULL) {
    note(to, REMOVED, 0, 0, path, strlen(path));
    if (sync_directory) note(to, DIRECTORY_SYNCED, 0, 0, NULL, 0);
  }
  pthread_mutex_unlock(&mutex);
  return rc;
}

/* Begins to write down what the library there does below a directory; NULL when it can't be. */
recording *recorder_begin(const char *library, const char *directory) {
  recording *to;
  vfs *layer;
  pthread_mutex_lock(&mutex);
  if (original_open == NULL) {
    void *opened = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (opened != NULL) *(void **)&find = dlsym(opened, "sqlite3_vfs_find");
    vfs *unix_vfs = find == NULL ? NULL : find("unix");
    if (unix_vfs == NULL) {
      pthread_mutex_unlock(&mutex);
      return NULL;
    }
    /* Another thread of the process may lay a copy of this over it at the same time. */
    original_remove = unix_vfs->remove;
    while (!__atomic_compare_exchange_n(&unix_vfs->remove, &original_remove, own_remove, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    original_open = unix_vfs->open;
    while (!__atomic_compare_exchange_n(&unix_vfs->open, &original_open, own_open, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  }
  layer = find("raftlite-page-sums");
  if (layer != NULL) {
    int (*copied)(vfs *, const char *, int) = original_remove;
    __atomic_compare_exchange_n(&layer->remove, &copied, own_remove, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  }
  to = calloc(1, sizeof *to);
  if (to == NULL) abort();
  to->directory = strdup(directory);
  to->syncs_left = -1;
  to->next = recordings;
  recordings = to;
  pthread_mutex_unlock(&mutex);
  return to;
}

/* What the disk is to fail at from now on. */
void recorder_disturb(recording *to, int writes_left, int writes_refused, int syncs_left) {
  pthread_mutex_lock(&mutex);
  to->writes_left = writes_left;
  to->writes_refused = writes_refused;
  to->syncs_left = syncs_left;
  pthread_mutex_unlock(&mutex);
}

/* How much was written down since the last time, and where; it stays there until more is. */
size_t recorder_take(recording *to, unsigned char **events) {
  size_t length;
  pthread_mutex_lock(&mutex);
  length = to->length;
  *events = to->events;
  to->length = 0;
  pthread_mutex_unlock(&mutex);
  return length;
}

void recorder_end(recording *to) {
  recording **at = &recordings;
  pthread_mutex_lock(&mutex);
  while (*at != to) at = &(*at)->next;
  *at = to->next;
  for (handle *each = handles; each != NULL; each = each->next) if (each->to == to) each->to = NULL;
  pthread_mutex_unlock(&mutex);
  free(to->directory);
  free(to->events);
  free(to);
}
