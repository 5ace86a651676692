/**
 * The layer over the default VFS: where SQLite opens, reads, writes and syncs files. A part of what is
 * compiled for the sums of pages (`page_sums_source.ts`), behind the sums themselves.
 */
export const pageSumsLayerSource = `
static sums_tail *sums_tail_of(sqlite3_file *file) {
  return (sums_tail *)((char *)file + sums_original->szOsFile);
}

/* So much is written of a file, at most, before it is on its way to the disk. */
#define SUMS_UNSYNCED_MAX 0x400000

/* SQLite locks bytes of this page, and never reads or writes it. */
#define SUMS_LOCK_BYTE 0x40000000

static int sums_read_part(sqlite3_file *, void *, int, sqlite3_int64);

static int sums_mismatch(page_sums *s, sums_u64 page) {
  if (__atomic_fetch_add(&s->mismatches, 1, __ATOMIC_ACQ_REL) == 0) {
    __atomic_store_n(&s->first_page, page, __ATOMIC_RELEASE);
  }
  return SQLITE_IOERR_DATA;
}

static int sums_read(sqlite3_file *file, void *into, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  sqlite3_int64 page_bytes = (sqlite3_int64)s->head.page_bytes;
  int rc;
  /*
   * The start of the first page is read when a connection is opened, without a look whether the page
   * is in the WAL: nothing follows from it that the whole page does not say again.
   */
  if (page_bytes > 0 && offset >= page_bytes && offset % page_bytes + amount <= page_bytes &&
      amount < page_bytes) {
    return sums_read_part(file, into, amount, offset);
  }
  rc = tail->original->xRead(file, into, amount, offset);
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
  if (page_bytes == 0 || amount % page_bytes != 0 || offset % page_bytes != 0) return rc;
  if (s->refused_for != 0) return sums_mismatch(s, s->refused_for);
  for (int at = 0; at < amount; at += page_bytes) {
    sums_u64 page = (offset + at) / page_bytes + 1;
    unsigned char *bytes = (unsigned char *)into + at;
    if (offset + at == SUMS_LOCK_BYTE) continue;
    /* A page that the file has not: only one that was in it is missed. */
    if (rc != SQLITE_OK) {
      sums_u32 *known = sums_at(&s->pages, page, 0);
      if (known == NULL || __atomic_load_n(known, __ATOMIC_ACQUIRE) == 0) continue;
    }
    if (sums_is_one(bytes, page_bytes, &s->pages, page)) continue;
    /* Once more, of the file: what was wrong on the way is not wrong there. */
    rc = tail->original->xRead(file, bytes, page_bytes, offset + at);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
    if (sums_is_one(bytes, page_bytes, &s->pages, page)) continue;
    return sums_mismatch(s, page);
  }
  return rc;
}

/* SQLite reads the part that it needs of an overflow page: SQLITE_DIRECT_OVERFLOW_READ. */
static int sums_read_part(sqlite3_file *file, void *into, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  sqlite3_int64 page_bytes = (sqlite3_int64)tail->of->head.page_bytes, at = offset % page_bytes;
  unsigned char *whole = sqlite3_malloc64(page_bytes);
  int rc;
  if (whole == NULL) return SQLITE_IOERR_NOMEM;
  rc = sums_read(file, whole, (int)page_bytes, offset - at);
  if (rc == SQLITE_OK) memcpy(into, whole + at, amount);
  sqlite3_free(whole);
  return rc == SQLITE_IOERR_SHORT_READ ? tail->original->xRead(file, into, amount, offset) : rc;
}

/*
 * Has what is written of a part of the file on its way to the disk, and waits for it. A sync is what
 * makes it durable, and comes all the same: but where it has hundreds of MB to write, the syncs of the
 * Raft log wait behind all of that.
 */
static int sums_write_out(sqlite3_file *file, sqlite3_int64 from, sqlite3_int64 until) {
#ifdef __linux__
  sums_tail *tail = sums_tail_of(file);
  int flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (tail->original->xSync != unixSync) return SQLITE_OK;
  int fd = ((unixFile *)file)->h;
  if (sync_file_range(fd, from, until - from, flags) == 0) return SQLITE_OK;
  /* To ask for nothing fails only where it is not to be had at all. */
  if (sync_file_range(fd, from, until - from, 0) != 0) return SQLITE_OK;
  /* Else it is what became of the pages, which is told once: a sync would succeed now. */
  return SQLITE_IOERR_FSYNC;
#else
  (void)file;
  (void)from;
  (void)until;
  return SQLITE_OK;
#endif
}

/* Of a checkpoint, which writes pages in their order: all since the last time, once that is enough. */
static int sums_write_evenly(sqlite3_file *file, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  sqlite3_int64 from, until;
  if (tail->unsynced == 0 || offset < tail->from) tail->from = offset;
  if (tail->unsynced == 0 || offset + amount > tail->until) tail->until = offset + amount;
  tail->unsynced += amount;
  if (tail->unsynced < SUMS_UNSYNCED_MAX) return SQLITE_OK;
  from = tail->from;
  until = tail->until;
  tail->unsynced = 0;
  return sums_write_out(file, from, until);
}

static int sums_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  sqlite3_int64 page_bytes;
  int rc = s->moving_rc != SQLITE_OK ? s->moving_rc : sums_unseal(s);
  if (rc != SQLITE_OK) return rc;
  rc = tail->original->xWrite(file, from, amount, offset);
  if (rc == SQLITE_OK) rc = sums_write_evenly(file, amount, offset);
  if (offset == 0 && amount >= 512 && s->head.page_bytes == 0) s->head.page_bytes = amount;
  page_bytes = (sqlite3_int64)s->head.page_bytes;
  if (page_bytes == 0) return rc;
  if (rc != SQLITE_OK || amount != page_bytes || offset % page_bytes != 0) {
    sums_forget(&s->pages, offset / page_bytes + 1, (offset + amount + page_bytes - 1) / page_bytes + 1);
    return rc;
  }
  return sums_note(&s->pages, from, amount, offset / page_bytes + 1);
}

static int sums_truncate(sqlite3_file *file, sqlite3_int64 size) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  int rc = sums_unseal(s);
  if (rc != SQLITE_OK) return rc;
  rc = tail->original->xTruncate(file, size);
  if (s->head.page_bytes > 0) sums_forget(&s->pages, size / s->head.page_bytes + 1, ~0ULL);
  return rc;
}

/*
 * Of a checkpoint: only behind it the WAL can be begun anew, so that until then a page and its sum
 * may differ on the disk, for the page is read from the WAL and written again from there.
 */
static int sums_sync(sqlite3_file *file, int flags) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  sqlite3_file *side = s->side;
  int written, rc;
  sqlite3_mutex_enter(sums_mutex());
  rc = sums_flush(s, &written);
  /* SQLite syncs the file only where a checkpoint has reached the WAL's end. */
  if (rc == SQLITE_OK && s->head.moved_frames > 0 && !s->head.moved_all && !s->ended) {
    s->head.moved_all = 1;
    rc = sums_write_head(s);
    written = 1;
    if (rc != SQLITE_OK) s->head.moved_all = 0;
  }
  sqlite3_mutex_leave(sums_mutex());
  if (rc == SQLITE_OK && written) rc = side->pMethods->xSync(side, flags);
  tail->unsynced = 0;
  return rc == SQLITE_OK ? tail->original->xSync(file, flags) : rc;
}

/* SQLite says so between the sync of the WAL and the first page that it moves. */
static int sums_file_control(sqlite3_file *file, int operation, void *argument) {
  sums_tail *tail = sums_tail_of(file);
  if (operation == SQLITE_FCNTL_CKPT_START) {
    tail->of->moving_rc = sums_note_moving(tail->of, file, tail->original);
  }
  return tail->original->xFileControl(file, operation, argument);
}

static int sums_close(sqlite3_file *file) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  int is_last;
  sqlite3_mutex_enter(sums_mutex());
  is_last = --s->open == 0 && s->ended;
  sqlite3_mutex_leave(sums_mutex());
  if (is_last) sums_free(s);
  return tail->original->xClose(file);
}

static sums_u64 sums_file_id(const char *path) {
#ifdef _WIN32
  (void)path;
  return 0;
#else
  struct stat found;
  return stat(path, &found) == 0 ? (sums_u64)found.st_ino : 0;
#endif
}

/* The frame that has the byte at offset, from 1 on; into: where in the frame that is. */
static sums_u64 sums_frame_at(page_sums *s, sqlite3_int64 offset, sqlite3_int64 *into) {
  sqlite3_int64 frame_bytes = (sqlite3_int64)s->head.page_bytes + SUMS_FRAME_HEADER;
  *into = (offset - SUMS_WAL_HEADER) % frame_bytes;
  return (offset - SUMS_WAL_HEADER) / frame_bytes + 1;
}

/* header: the frame's, which begins with the page's number. */
static int sums_mismatch_in_wal(page_sums *s, const unsigned char *header) {
  sums_u32 page = (sums_u32)header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3];
  sqlite3_mutex_enter(sums_mutex());
  if (s->head.wrong_page == 0 && !s->ended) {
    s->head.wrong_page = page == 0 ? 1 : page;
    if (sums_write_head(s) == SQLITE_OK) s->side->pMethods->xSync(s->side, SQLITE_SYNC_NORMAL);
  }
  sqlite3_mutex_leave(sums_mutex());
  return sums_mismatch(s, page);
}

/*
 * SQLite looks at the sums in the WAL when it recovers it, and not when it reads a page there, to
 * answer by it or to move it into the file. So there are sums of its pages here, as far as they are
 * in frames that this process has written, or read before.
 */
static int sums_read_wal(sqlite3_file *file, void *into, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  int page_bytes = (int)s->head.page_bytes, skipped;
  unsigned char header[4];
  sqlite3_int64 at;
  sums_u64 frame;
  int rc = tail->original->xRead(file, into, amount, offset);
  if (rc != SQLITE_OK || page_bytes == 0 || offset < SUMS_WAL_HEADER) return rc;
  frame = sums_frame_at(s, offset, &at);
  /* A page, or a frame with it. */
  if (amount == page_bytes && at == SUMS_FRAME_HEADER) skipped = 0;
  else if (amount == page_bytes + SUMS_FRAME_HEADER && at == 0) skipped = SUMS_FRAME_HEADER;
  else return rc;
  if (s->refused_for != 0) return sums_mismatch(s, s->refused_for);
  if (sums_is_one((unsigned char *)into + skipped, page_bytes, &s->frames, frame)) return rc;
  /* Once more, as above. */
  rc = tail->original->xRead(file, into, amount, offset);
  if (rc != SQLITE_OK) return rc;
  if (sums_is_one((unsigned char *)into + skipped, page_bytes, &s->frames, frame)) return rc;
  rc = tail->original->xRead(file, header, sizeof header, offset + skipped - SUMS_FRAME_HEADER);
  return rc == SQLITE_OK ? sums_mismatch_in_wal(s, header) : rc;
}

/* Of what was written into the WAL: the sum of a page that is whole. */
static int sums_of_written(page_sums *s, const void *from, int amount, sqlite3_int64 offset, int rc) {
  int page_bytes = (int)s->head.page_bytes;
  sqlite3_int64 at;
  sums_u64 frame;
  if (page_bytes == 0 || offset < SUMS_WAL_HEADER) return SQLITE_OK;
  frame = sums_frame_at(s, offset, &at);
  if (at + amount <= SUMS_FRAME_HEADER) return SQLITE_OK;
  if (rc != SQLITE_OK || amount != page_bytes || at != SUMS_FRAME_HEADER) {
    sums_forget(&s->frames, frame, sums_frame_at(s, offset + amount - 1, &at) + 1);
    return SQLITE_OK;
  }
  return sums_note(&s->frames, from, amount, frame);
}

static int sums_write_wal(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  int rc = tail->original->xWrite(file, from, amount, offset);
  int noted = sums_of_written(tail->of, from, amount, offset, rc);
  if (rc == SQLITE_OK) rc = noted;
  /* The WAL's header, when it is begun anew. */
  if (rc == SQLITE_OK && offset == 0 && amount == SUMS_WAL_HEADER) {
    page_sums *s = tail->of;
    sqlite3_mutex_enter(sums_mutex());
    if (!s->ended) {
      memcpy(s->head.salts, (const char *)from + 16, 8);
      s->head.moved_frames = s->head.moved_all = 0;
      __atomic_store_n(&s->head.sealed_at, -1, __ATOMIC_RELEASE);
      s->head.file_id = sums_file_id(s->path);
      rc = sums_write_head(s);
    }
    sqlite3_mutex_leave(sums_mutex());
  }
  return rc;
}

/*
 * A WAL that a large transaction has written at once is written out by the checkpoint that syncs it,
 * and not by the writer, which would wait for the disk.
 */
static int sums_sync_wal(sqlite3_file *file, int flags) {
  sums_tail *tail = sums_tail_of(file);
  sqlite3_int64 size = 0;
  int rc = tail->original->xFileSize(file, &size);
  for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += SUMS_UNSYNCED_MAX) {
    rc = sums_write_out(file, at, at + SUMS_UNSYNCED_MAX);
  }
  return rc == SQLITE_OK ? tail->original->xSync(file, flags) : rc;
}

static int sums_truncate_wal(sqlite3_file *file, sqlite3_int64 size) {
  sums_tail *tail = sums_tail_of(file);
  sqlite3_int64 at;
  int rc = tail->original->xTruncate(file, size);
  if (tail->of->head.page_bytes > 0) {
    sums_u64 from = size < SUMS_WAL_HEADER ? 1 : sums_frame_at(tail->of, size, &at);
    sums_forget(&tail->of->frames, from, ~0ULL);
  }
  return rc;
}

static page_sums *sums_find(const char *path, size_t length) {
  for (page_sums *s = sums_all; s != NULL; s = s->next) {
    if (strlen(s->path) == length && memcmp(s->path, path, length) == 0) return s;
  }
  return NULL;
}

static int sums_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  int rc = sums_original->xOpen(sums_original, name, file, flags, out);
  int is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0, is_wal = (flags & SQLITE_OPEN_WAL) != 0;
  sums_tail *tail = sums_tail_of(file);
  size_t length;
  (void)vfs;
  if (rc != SQLITE_OK || name == NULL || !(is_database || is_wal)) return rc;
  length = strlen(name) - (is_wal ? 4 : 0);
  sqlite3_mutex_enter(sums_mutex());
  tail->of = sums_find(name, length);
  if (tail->of != NULL) tail->of->open++;
  sqlite3_mutex_leave(sums_mutex());
  if (tail->of == NULL) return rc;
  tail->original = file->pMethods;
  tail->unsynced = 0;
  tail->methods = *file->pMethods;
  tail->methods.xClose = sums_close;
  if (is_wal) {
    tail->methods.xRead = sums_read_wal;
    tail->methods.xWrite = sums_write_wal;
    tail->methods.xTruncate = sums_truncate_wal;
    tail->methods.xSync = sums_sync_wal;
  } else {
    /* Without memory-mapped reads, which nobody could look at. */
    if (tail->methods.iVersion > 2) tail->methods.iVersion = 2;
    tail->methods.xRead = sums_read;
    tail->methods.xWrite = sums_write;
    tail->methods.xTruncate = sums_truncate;
    tail->methods.xSync = sums_sync;
    tail->methods.xFileControl = sums_file_control;
  }
  file->pMethods = &tail->methods;
  return rc;
}

/* With the mutex: the layer is there for files that are opened from now on. */
static int sums_register(void) {
  if (sums_original != NULL) return SQLITE_OK;
  sums_original = sqlite3_vfs_find(NULL);
  if (sums_original == NULL) return SQLITE_ERROR;
  sums_vfs = *sums_original;
  sums_vfs.zName = "raftlite-page-sums";
  sums_vfs.szOsFile = sums_original->szOsFile + (int)sizeof(sums_tail);
  sums_vfs.xOpen = sums_open;
  return sqlite3_vfs_register(&sums_vfs, 1);
}
`;
