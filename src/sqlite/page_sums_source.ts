import { pageSumsLayerSource } from "./page_sums_layer_source.ts";
import { pageSumsTableSource } from "./page_sums_table_source.ts";
import { pageSumsWalSource } from "./page_sums_wal_source.ts";

/**
 * What is compiled behind SQLite: sums of the pages of database files, made where SQLite writes a
 * page into the file, and compared wherever anything reads one out of it. `page_sums.ts` tells how it
 * is used; `src/store/README.md`, why it raises no false alarm.
 *
 * A layer over the default VFS, which looks at no other files than those that were named to it, and
 * at their WALs: the methods of their handles are others, all else is the default VFS's. In memory a
 * sum has four bytes, 0 for a page of which nothing is known yet. In the side file they are in blocks,
 * each with a sum of its own: a block that is torn, or damaged itself, says nothing of its pages.
 *
 * Four parts: the sums themselves (`page_sums_table_source.ts`), what of the WAL is in the file
 * (`page_sums_wal_source.ts`), the layer (`page_sums_layer_source.ts`), and here what the program
 * calls to begin and to end them.
 */
export const pageSumsSource = `${pageSumsTableSource}${pageSumsWalSource}${pageSumsLayerSource}
enum { SUMS_NO_WAL, SUMS_OWN_WAL, SUMS_OTHER_WAL };

/* What there is of a WAL: nothing in it, the one that this program has begun last, or another. */
static int sums_wal(page_sums *s) {
  unsigned char header[SUMS_WAL_HEADER];
  sqlite3_int64 size = 0;
  sqlite3_file *file = sums_open_wal(s, SQLITE_OPEN_READONLY);
  int result = SUMS_OTHER_WAL;
  if (file == NULL) result = SUMS_NO_WAL;
  else {
    const sqlite3_io_methods *methods = file->pMethods;
    if (methods->xFileSize(file, &size) == SQLITE_OK && size == 0) result = SUMS_NO_WAL;
    else if (methods->xRead(file, header, sizeof header, 0) == SQLITE_OK &&
             memcmp(header + 16, s->head.salts, 8) == 0) result = SUMS_OWN_WAL;
    sums_close_file(file);
  }
  return result;
}

enum { SUMS_UNKNOWN, SUMS_KNOWN, SUMS_KNOWN_WITHOUT_WAL };

/* Reads the side file; whether what it says is of the database as it is. */
static int sums_load(page_sums *s, sqlite3_int64 applied) {
  sqlite3_int64 size = 0;
  sums_u64 page = 0;
  int result = SUMS_KNOWN;
  sums_head head;
  if (s->side->pMethods->xRead(s->side, &head, sizeof head, 0) != SQLITE_OK) return SUMS_UNKNOWN;
  if (memcmp(head.magic, sums_magic, sizeof sums_magic) != 0) return SUMS_UNKNOWN;
  if (head.probe != sums_probe() || head.sum != sums_of_head(&head)) return SUMS_UNKNOWN;
  if (head.page_bytes < 512 || head.page_bytes > 65536) return SUMS_UNKNOWN;
  if (head.file_id != sums_file_id(s->path)) return SUMS_UNKNOWN;
  if (head.wrong_page != 0) {
    s->head = head;
    s->refused_for = head.wrong_page;
    return SUMS_KNOWN;
  }
  memcpy(s->head.salts, head.salts, sizeof head.salts);
  switch (head.sealed_at >= 0 ? SUMS_WAL_WHOLE : sums_reaches_moved(s, &head, &page)) {
    case SUMS_WAL_LOST:
      s->head = head;
      s->head.wrong_page = s->refused_for = page;
      /* Where it cannot be kept it is found again. */
      if (sums_write_head(s) == SQLITE_OK) s->side->pMethods->xSync(s->side, SQLITE_SYNC_NORMAL);
      return SUMS_KNOWN;
    case SUMS_WAL_EMPTIED:
      result = SUMS_KNOWN_WITHOUT_WAL;
      break;
    default:
      if (sums_wal(s) != (head.sealed_at >= 0 ? SUMS_NO_WAL : SUMS_OWN_WAL)) return SUMS_UNKNOWN;
  }
  /*
   * Further on it is where an earlier release, without sums, has gone on. It never goes back: then the
   * page that says so is an old one, and is refused as any other that is not what was written.
   */
  if (head.sealed_at >= 0 && (applied < 0 || applied > head.sealed_at)) return SUMS_UNKNOWN;
  if (s->side->pMethods->xFileSize(s->side, &size) != SQLITE_OK) return SUMS_UNKNOWN;
  s->head = head;
  for (sums_u64 number = 0; (sqlite3_int64)(number + 2) * BLOCK_BYTES <= size; number++) {
    sums_block block;
    sums_u32 *first;
    if (s->side->pMethods->xRead(s->side, &block, sizeof block, (number + 1) * BLOCK_BYTES)
        != SQLITE_OK) continue;
    if (block.sum != sums_of_block(&block, number)) continue;
    first = sums_at(&s->pages, number * SUMS_IN_BLOCK + 1, 1);
    if (first != NULL) memcpy(first, block.sums, sizeof block.sums);
  }
  return result;
}

/* With the mutex. */
static void sums_drop(page_sums *s) {
  page_sums **at = &sums_all;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  s->ended = 1;
  if (s->open == 0) sums_free(s);
}

static char *sums_full_path(const char *path) {
  char *full = sqlite3_malloc64(sums_original->mxPathname + 1);
  int rc = full == NULL
    ? SQLITE_NOMEM
    : sums_original->xFullPathname(sums_original, path, sums_original->mxPathname + 1, full);
  if (rc == SQLITE_OK || rc == SQLITE_OK_SYMLINK) return full;
  sqlite3_free(full);
  return NULL;
}

/*
 * Begins to keep sums of the pages of the database at path, which nobody has open. applied: up to
 * which entry the file says that it is. 1: by what the side file says; 2: the same, and a WAL that was
 * damaged, of which the file has all, was emptied; 0: from nothing; else -code.
 */
SQLITE_API int raftlite_sums_begin(const char *path, sqlite3_int64 applied) {
  page_sums *s;
  char *full;
  int known, rc = sqlite3_initialize();
  if (rc != SQLITE_OK) return -rc;
  sqlite3_mutex_enter(sums_mutex());
  rc = sums_register();
  full = rc == SQLITE_OK ? sums_full_path(path) : NULL;
  if (full == NULL) {
    sqlite3_mutex_leave(sums_mutex());
    return -SQLITE_CANTOPEN;
  }
  s = sums_find(full, strlen(full));
  sqlite3_mutex_leave(sums_mutex());
  if (s != NULL) {
    sqlite3_free(full);
    return -SQLITE_BUSY;
  }
  s = calloc(1, sizeof *s);
  if (s != NULL) {
    s->path = full;
    s->side_path = sqlite3_mprintf("%s-sums%c%c", full, 0, 0);
    s->side = s->side_path == NULL
      ? NULL
      : sums_open_file(s->side_path, SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  }
  if (s == NULL || s->side == NULL) {
    if (s == NULL) sqlite3_free(full);
    else sums_free(s);
    return -SQLITE_CANTOPEN;
  }
  known = sums_load(s, applied);
  if (!known) {
    sums_clear(&s->pages);
    memset(&s->head, 0, sizeof s->head);
    memcpy(s->head.magic, sums_magic, sizeof sums_magic);
    s->head.file_id = sums_file_id(s->path);
    s->head.probe = sums_probe();
    s->head.sealed_at = -1;
    rc = s->side->pMethods->xTruncate(s->side, 0);
  }
  if (s->head.page_bytes == 0) {
    unsigned char header[100];
    /* No MAIN_JOURNAL: whose name is a-b, the system is asked for the rights of a. */
    sqlite3_file *file = sums_open_file(s->path, SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_READONLY);
    if (file != NULL) {
      if (file->pMethods->xRead(file, header, 100, 0) == SQLITE_OK) {
        sums_u32 bytes = header[16] << 8 | header[17] << 16;
        s->head.page_bytes = bytes >= 512 && (bytes & (bytes - 1)) == 0 ? bytes : 0;
      }
      sums_close_file(file);
    }
  }
  /* Those that are known are true until a page is written. */
  if (rc == SQLITE_OK && !known) rc = sums_write_head(s);
  if (rc == SQLITE_OK && !known) rc = s->side->pMethods->xSync(s->side, SQLITE_SYNC_NORMAL);
  if (rc != SQLITE_OK) {
    sums_free(s);
    return -rc;
  }
  sqlite3_mutex_enter(sums_mutex());
  s->next = sums_all;
  sums_all = s;
  sqlite3_mutex_leave(sums_mutex());
  return known;
}

static page_sums *sums_named(const char *path) {
  char *full = sums_original == NULL ? NULL : sums_full_path(path);
  page_sums *s = full == NULL ? NULL : sums_find(full, strlen(full));
  sqlite3_free(full);
  return s;
}

/*
 * Ends it. sealed_at: up to which entry all is in the file, with nobody at it any more; -1 where that
 * is not said. SQLITE_BUSY where somebody is at it: then it is not said either.
 */
SQLITE_API int raftlite_sums_end(const char *path, sqlite3_int64 sealed_at) {
  page_sums *s;
  int rc = SQLITE_OK, written = 0;
  sqlite3_mutex_enter(sums_mutex());
  s = sums_named(path);
  if (s != NULL) {
    if (s->open > 0) rc = SQLITE_BUSY;
    else if (sealed_at >= 0 && s->head.page_bytes > 0 && sums_wal(s) == SUMS_NO_WAL) {
      sqlite3_file *side = s->side;
      rc = sums_flush(s, &written);
      if (rc == SQLITE_OK && written) rc = side->pMethods->xSync(side, SQLITE_SYNC_NORMAL);
      s->head.file_id = sums_file_id(s->path);
      s->head.sealed_at = sealed_at;
      s->head.moved_frames = s->head.moved_all = 0;
      if (rc == SQLITE_OK) rc = sums_write_head(s);
      if (rc == SQLITE_OK) rc = side->pMethods->xSync(side, SQLITE_SYNC_NORMAL);
    }
    sums_drop(s);
  }
  sqlite3_mutex_leave(sums_mutex());
  return rc;
}

/* Has the sums that are known by now on the disk. By whom has the database open: it may not end. */
SQLITE_API int raftlite_sums_keep(const char *path) {
  page_sums *s;
  int rc = SQLITE_OK, written = 0;
  sqlite3_mutex_enter(sums_mutex());
  s = sums_named(path);
  if (s != NULL && s->open > 0) rc = sums_flush(s, &written);
  sqlite3_mutex_leave(sums_mutex());
  return rc == SQLITE_OK && written ? s->side->pMethods->xSync(s->side, SQLITE_SYNC_NORMAL) : rc;
}

/* How many reads did not have what was written; page: that of the first. */
SQLITE_API sqlite3_int64 raftlite_sums_mismatches(const char *path, sqlite3_int64 *page) {
  page_sums *s;
  sqlite3_int64 count = 0;
  sqlite3_mutex_enter(sums_mutex());
  s = sums_named(path);
  if (s != NULL) {
    count = __atomic_load_n(&s->mismatches, __ATOMIC_ACQUIRE);
    *page = __atomic_load_n(&s->first_page, __ATOMIC_ACQUIRE);
  }
  sqlite3_mutex_leave(sums_mutex());
  return count;
}
`;
