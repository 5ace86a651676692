/**
 * What of a WAL is in the database file already. A part of what is compiled for the sums of pages
 * (`page_sums_source.ts`), between the sums themselves and the layer.
 *
 * SQLite takes a WAL for ended at the first frame that is damaged. What is behind is applied again
 * from the log, as long as none of it is in the file: where a checkpoint had moved a part of it, older
 * pages of the WAL would lie over newer ones of the file, a state that there never was. So the side
 * file says up to which frame pages may have been moved, and the next start looks whether the WAL
 * still reaches there:
 *
 * | moved            | the WAL reaches there | then                                              |
 * | ---------------- | --------------------- | ------------------------------------------------- |
 * | nothing          | –                     | it ends where SQLite says                         |
 * | a part           | yes                   | all of it is there                                |
 * | a part           | no                    | the database is damaged: no read of it succeeds   |
 * | all that was in  | no                    | the file alone has all of it: the WAL is emptied  |
 *
 * A checkpoint says it before it writes the first page, and that all is moved together with the sums,
 * before the WAL may be begun anew. That takes no sync of its own: where a power cut takes it back,
 * the WAL, which was synced before, is there.
 */
export const pageSumsWalSource = `
/* Bytes of the WAL before its first frame, and of each frame before its page. */
#define SUMS_WAL_HEADER 32
#define SUMS_FRAME_HEADER 24

/*
 * Of SQLite's index of a WAL, https://www.sqlite.org/walformat.html#walidxfmt: its first region, of
 * which WAL it is, and up to which frame the last checkpoint has begun to move pages.
 */
#define SUMS_INDEX_BYTES 32768
#define SUMS_INDEX_SALTS 32
#define SUMS_INDEX_MOVING 128

/* A file of its own, by the default VFS. */
static sqlite3_file *sums_open_file(const char *path, int flags) {
  sqlite3_file *file = calloc(1, sums_original->szOsFile);
  int out = 0;
  if (file == NULL) return NULL;
  if (sums_original->xOpen(sums_original, path, file, flags, &out) == SQLITE_OK) return file;
  free(file);
  return NULL;
}

static sqlite3_file *sums_open_wal(page_sums *s, int flags) {
  char *path = sqlite3_mprintf("%s-wal%c%c", s->path, 0, 0);
  sqlite3_file *file = path == NULL ? NULL : sums_open_file(path, SQLITE_OPEN_MAIN_JOURNAL | flags);
  sqlite3_free(path);
  return file;
}

static sqlite3_int64 sums_frame_offset(sums_u64 page_bytes, sums_u64 frame) {
  return SUMS_WAL_HEADER + (sqlite3_int64)((frame - 1) * (page_bytes + SUMS_FRAME_HEADER));
}

/*
 * Notes up to which frame the checkpoint that begins moves pages. With its lock; the WAL is synced up
 * to there. Of a WAL that was there before the sums nothing is noted: the next start does not go by it.
 */
static int sums_note_moving(page_sums *s, sqlite3_file *file, const sqlite3_io_methods *methods) {
  volatile void *region = NULL;
  const char *index;
  unsigned char header[SUMS_FRAME_HEADER];
  sqlite3_file *wal;
  sums_u32 until;
  int rc = methods->xShmMap(file, 0, SUMS_INDEX_BYTES, 0, &region);
  if (rc != SQLITE_OK || region == NULL) return rc;
  index = (const char *)region;
  memcpy(&until, index + SUMS_INDEX_MOVING, sizeof until);
  if (memcmp(index + SUMS_INDEX_SALTS, s->head.salts, sizeof s->head.salts) != 0) return SQLITE_OK;
  if (s->head.page_bytes == 0 || until <= s->head.moved_frames) return SQLITE_OK;
  wal = sums_open_wal(s, SQLITE_OPEN_READONLY);
  if (wal == NULL) return SQLITE_CANTOPEN;
  rc = wal->pMethods->xRead(wal, header, sizeof header, sums_frame_offset(s->head.page_bytes, until));
  sums_close_file(wal);
  if (rc != SQLITE_OK) return rc;
  sqlite3_mutex_enter(sums_mutex());
  if (!s->ended) {
    s->head.moved_frames = until;
    memcpy(s->head.moved_sum, header + 16, sizeof s->head.moved_sum);
    s->head.moved_all = 0;
    rc = sums_write_head(s);
  }
  sqlite3_mutex_leave(sums_mutex());
  return rc;
}

static sums_u32 sums_big_endian(const unsigned char *at) {
  return (sums_u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static sums_u32 sums_little_endian(const unsigned char *at) {
  return (sums_u32)at[3] << 24 | at[2] << 16 | at[1] << 8 | at[0];
}

/* SQLite's own sum of a multiple of 8 bytes behind others, https://www.sqlite.org/fileformat2.html#checksum_algorithm */
static void sums_add_wal(sums_u32 *sum, const unsigned char *bytes, int length, int is_big_endian) {
  for (int i = 0; i < length; i += 8) {
    const unsigned char *at = bytes + i;
    sum[0] += (is_big_endian ? sums_big_endian(at) : sums_little_endian(at)) + sum[1];
    sum[1] += (is_big_endian ? sums_big_endian(at + 4) : sums_little_endian(at + 4)) + sum[0];
  }
}

static int sums_is_wal_sum(const sums_u32 *sum, const unsigned char *at) {
  return sum[0] == sums_big_endian(at) && sum[1] == sums_big_endian(at + 4);
}

/*
 * The page of the first frame at which SQLite would take the WAL for ended, where that is before what
 * was moved; 1 where it is not known which; 0 where the WAL reaches there.
 */
static sums_u64 sums_lost_frame(const sums_head *head, sqlite3_file *wal) {
  unsigned char header[SUMS_WAL_HEADER], *frame;
  sums_u32 sum[2] = { 0, 0 };
  int frame_bytes = (int)head->page_bytes + SUMS_FRAME_HEADER, is_big_endian;
  sums_u64 lost = 0;
  if (wal->pMethods->xRead(wal, header, sizeof header, 0) != SQLITE_OK) return 1;
  is_big_endian = header[3] & 1;
  sums_add_wal(sum, header, 24, is_big_endian);
  if ((sums_big_endian(header) & ~1u) != 0x377f0682 || !sums_is_wal_sum(sum, header + 24)) return 1;
  /* Another WAL: all of the one before must have been in the file. */
  if (memcmp(header + 16, head->salts, sizeof head->salts) != 0) return head->moved_all ? 0 : 1;
  if (sums_big_endian(header + 8) != head->page_bytes) return 1;
  frame = sqlite3_malloc(frame_bytes);
  if (frame == NULL) return 1;
  for (sums_u64 i = 1; i <= head->moved_frames && lost == 0; i++) {
    int rc = wal->pMethods->xRead(wal, frame, frame_bytes, sums_frame_offset(head->page_bytes, i));
    sums_u32 page = rc == SQLITE_OK ? sums_big_endian(frame) : 0;
    sums_add_wal(sum, frame, 8, is_big_endian);
    sums_add_wal(sum, frame + SUMS_FRAME_HEADER, (int)head->page_bytes, is_big_endian);
    if (page == 0 || memcmp(frame + 8, head->salts, sizeof head->salts) != 0 ||
        !sums_is_wal_sum(sum, frame + 16)) lost = page == 0 ? 1 : page;
    else if (i == head->moved_frames && memcmp(frame + 16, head->moved_sum, 8) != 0) lost = page;
  }
  sqlite3_free(frame);
  return lost;
}

enum { SUMS_WAL_WHOLE, SUMS_WAL_LOST, SUMS_WAL_EMPTIED };

/* Whether the WAL reaches what was moved of it; the page, where it does not and the file has not all. */
static int sums_reaches_moved(page_sums *s, const sums_head *head, sums_u64 *page) {
  sqlite3_file *wal;
  sqlite3_int64 size = 0;
  int result = SUMS_WAL_WHOLE;
  if (head->moved_frames == 0) return result;
  wal = sums_open_wal(s, SQLITE_OPEN_READWRITE);
  if (wal == NULL) return result;
  if (wal->pMethods->xFileSize(wal, &size) != SQLITE_OK || size > 0) {
    *page = sums_lost_frame(head, wal);
    if (*page != 0) {
      int isEmptied = head->moved_all && wal->pMethods->xTruncate(wal, 0) == SQLITE_OK &&
        wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK;
      result = isEmptied ? SUMS_WAL_EMPTIED : SUMS_WAL_LOST;
    }
  }
  sums_close_file(wal);
  return result;
}
`;
