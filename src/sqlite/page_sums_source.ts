/**
 * What is compiled behind SQLite: sums of the pages of database files, made where SQLite writes a
 * page into the file, and compared wherever anything reads one out of it. `page_sums.ts` tells how it
 * is used; `src/store/README.md`, why it raises no false alarm.
 *
 * A layer over the default VFS, which looks at no other files than those that were named to it: the
 * methods of their handles are others, all else is the default VFS's. In memory a sum has four bytes,
 * 0 for a page of which nothing is known yet. In the side file they are in blocks, each with a sum
 * of its own: a block that is torn, or damaged itself, says nothing of its pages.
 */
export const pageSumsSource = `
#include <sys/stat.h>

#define SUMS_IN_BLOCK 1022
#define BLOCKS_IN_SHELF 1024
#define SHELVES 4104
#define BLOCK_BYTES 4096

typedef unsigned long long sums_u64;
typedef unsigned int sums_u32;

typedef struct {
  sums_u32 sums[SUMS_IN_BLOCK];
  sums_u64 sum;
} sums_block;

typedef struct {
  sums_block *blocks[BLOCKS_IN_SHELF];
  /* What differs from the side file. */
  unsigned char dirty[BLOCKS_IN_SHELF];
} sums_shelf;

/* The first block of the side file. */
typedef struct {
  char magic[24];
  sums_u64 page_bytes;
  /* Of the database file; 0 where the system has none. */
  sums_u64 file_id;
  /* Of the WAL that this process has begun last. */
  unsigned char salts[8];
  /* The index up to which the database was applied when it was closed; -1 since it was written. */
  sqlite3_int64 sealed_at;
  /* What this build makes of some bytes: sums of another build would not be understood. */
  sums_u64 probe;
  sums_u64 sum;
} sums_head;

typedef struct page_sums page_sums;
struct page_sums {
  page_sums *next;
  /* As SQLite hands it to the VFS. */
  char *path;
  char *side_path;
  sqlite3_file *side;
  /* Handles on the file; when it has ended before the last of them, they are not looked at. */
  int open;
  int ended;
  sums_head head;
  sums_shelf *shelves[SHELVES];
  /* Reads that did not have what was written, and the page of the first. */
  sums_u64 mismatches;
  sums_u64 first_page;
};

/* Behind what the default VFS keeps of a file. */
typedef struct {
  const sqlite3_io_methods *original;
  page_sums *of;
  sqlite3_io_methods methods;
} sums_tail;

static const char sums_magic[24] = "raftlite page sums 1";
static sqlite3_vfs sums_vfs;
static sqlite3_vfs *sums_original;
static page_sums *sums_all;

static sqlite3_mutex *sums_mutex(void) {
  return sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
}

static sums_u64 sums_word(const unsigned char *at) {
  sums_u64 word;
  memcpy(&word, at, 8);
  return word;
}

static sums_u64 sums_mix(sums_u64 a, sums_u64 b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (sums_u64)product ^ (sums_u64)(product >> 64);
}

/*
 * Eight lanes of eight bytes: each adds the product of its halves, changed by a key of its place, and
 * its neighbour's bytes, so that no bytes are lost in a product with 0.
 */
#define SUMS_STEP 0x9e3779b97f4a7c15ULL
static const sums_u64 sums_keys[8] = {
  0xbe4ba423396cfeb8ULL, 0x1cad21f72c81017cULL, 0xdb979083e96dd4deULL, 0x1f67b3b7a4a44072ULL,
  0x78e5c0cc4ee679cbULL, 0x2172ffcc7dd05a82ULL, 0x8e2443f7744608b8ULL, 0x4c263a81e69035e0ULL,
};

#if defined(__x86_64__)
#include <immintrin.h>

static void sums_lanes_sse2(sums_u64 *lanes, const unsigned char *bytes, int length) {
  __m128i keys[4], sums[4];
  const __m128i step = _mm_set1_epi64x((long long)SUMS_STEP);
  for (int i = 0; i < 4; i++) {
    keys[i] = _mm_loadu_si128((const __m128i *)&sums_keys[2 * i]);
    sums[i] = _mm_loadu_si128((const __m128i *)&lanes[2 * i]);
  }
  for (; length > 0; length -= 64, bytes += 64) {
    for (int i = 0; i < 4; i++) {
      __m128i words = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
      __m128i mixed = _mm_xor_si128(words, keys[i]);
      sums[i] = _mm_add_epi64(sums[i], _mm_mul_epu32(mixed, _mm_srli_epi64(mixed, 32)));
      sums[i] = _mm_add_epi64(sums[i], _mm_shuffle_epi32(words, 0x4e));
      keys[i] = _mm_add_epi64(keys[i], step);
    }
  }
  for (int i = 0; i < 4; i++) _mm_storeu_si128((__m128i *)&lanes[2 * i], sums[i]);
}

__attribute__((target("avx2")))
static void sums_lanes_avx2(sums_u64 *lanes, const unsigned char *bytes, int length) {
  const __m256i step = _mm256_set1_epi64x((long long)SUMS_STEP);
  __m256i key0 = _mm256_loadu_si256((const __m256i *)&sums_keys[0]);
  __m256i key1 = _mm256_loadu_si256((const __m256i *)&sums_keys[4]);
  __m256i sum0 = _mm256_loadu_si256((const __m256i *)&lanes[0]);
  __m256i sum1 = _mm256_loadu_si256((const __m256i *)&lanes[4]);
  for (; length > 0; length -= 64, bytes += 64) {
    __m256i words0 = _mm256_loadu_si256((const __m256i *)bytes);
    __m256i words1 = _mm256_loadu_si256((const __m256i *)(bytes + 32));
    __m256i mixed0 = _mm256_xor_si256(words0, key0);
    __m256i mixed1 = _mm256_xor_si256(words1, key1);
    sum0 = _mm256_add_epi64(sum0, _mm256_mul_epu32(mixed0, _mm256_srli_epi64(mixed0, 32)));
    sum1 = _mm256_add_epi64(sum1, _mm256_mul_epu32(mixed1, _mm256_srli_epi64(mixed1, 32)));
    sum0 = _mm256_add_epi64(sum0, _mm256_shuffle_epi32(words0, 0x4e));
    sum1 = _mm256_add_epi64(sum1, _mm256_shuffle_epi32(words1, 0x4e));
    key0 = _mm256_add_epi64(key0, step);
    key1 = _mm256_add_epi64(key1, step);
  }
  _mm256_storeu_si256((__m256i *)&lanes[0], sum0);
  _mm256_storeu_si256((__m256i *)&lanes[4], sum1);
}
#else
static void sums_lanes(sums_u64 *lanes, const unsigned char *bytes, int length) {
  sums_u64 keys[8], words[8];
  memcpy(keys, sums_keys, sizeof keys);
  for (; length > 0; length -= 64, bytes += 64) {
    memcpy(words, bytes, 64);
    for (int i = 0; i < 8; i++) {
      sums_u64 word = words[i] ^ keys[i];
      lanes[i] += (word & 0xffffffffULL) * (word >> 32) + words[i ^ 1];
      keys[i] += SUMS_STEP;
    }
  }
}
#endif

/* Of a multiple of 64 bytes; the same on every processor. */
static sums_u64 sums_hash(const unsigned char *bytes, int length, sums_u64 seed) {
  sums_u64 lanes[8], hash = seed;
  for (int i = 0; i < 8; i++) lanes[i] = sums_keys[i] ^ seed;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) sums_lanes_avx2(lanes, bytes, length);
  else sums_lanes_sse2(lanes, bytes, length);
#else
  sums_lanes(lanes, bytes, length);
#endif
  for (int i = 0; i < 8; i += 2) {
    hash = sums_mix(hash ^ lanes[i], lanes[i + 1] ^ 0xa0761d6478bd642fULL);
  }
  return hash;
}

static sums_u32 sums_of_page(const unsigned char *bytes, int length, sums_u64 page) {
  sums_u32 sum = (sums_u32)sums_hash(bytes, length, page * 0x9e3779b97f4a7c15ULL);
  return sum == 0 ? 1 : sum;
}

static sums_u64 sums_of_block(const sums_block *block, sums_u64 number) {
  /* All but the sum, as much of it as is a multiple of 64. */
  sums_u64 rest = sums_hash((const unsigned char *)block, BLOCK_BYTES - 64, number + 1);
  const unsigned char *last = (const unsigned char *)block + BLOCK_BYTES - 64;
  for (int i = 0; i < 56; i += 8) rest = sums_mix(rest ^ sums_word(last + i), 0xe7037ed1a0b428dbULL);
  return rest;
}

static sums_u64 sums_probe(void) {
  return sums_hash((const unsigned char *)sums_keys, sizeof sums_keys, 1);
}

static sums_u64 sums_of_head(const sums_head *head) {
  sums_u64 sum = 0x8ebc6af09c88c6e3ULL;
  const unsigned char *bytes = (const unsigned char *)head;
  for (size_t i = 0; i < offsetof(sums_head, sum); i += 8) {
    sum = sums_mix(sum ^ sums_word(bytes + i), 0xa0761d6478bd642fULL);
  }
  return sum;
}

/* Where the sum of a page is; NULL where there is none, or no memory for it. */
static sums_u32 *sums_at(page_sums *s, sums_u64 page, int make) {
  sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
  sums_shelf *shelf;
  sums_block *block;
  if (number >= (sums_u64)SHELVES * BLOCKS_IN_SHELF) return NULL;
  shelf = __atomic_load_n(&s->shelves[number / BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  block = shelf == NULL
    ? NULL
    : __atomic_load_n(&shelf->blocks[number % BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  if (block == NULL && make) {
    sqlite3_mutex_enter(sums_mutex());
    shelf = s->shelves[number / BLOCKS_IN_SHELF];
    if (shelf == NULL) {
      shelf = calloc(1, sizeof *shelf);
      __atomic_store_n(&s->shelves[number / BLOCKS_IN_SHELF], shelf, __ATOMIC_RELEASE);
    }
    if (shelf != NULL) {
      block = shelf->blocks[number % BLOCKS_IN_SHELF];
      if (block == NULL) {
        block = calloc(1, sizeof *block);
        __atomic_store_n(&shelf->blocks[number % BLOCKS_IN_SHELF], block, __ATOMIC_RELEASE);
      }
    }
    sqlite3_mutex_leave(sums_mutex());
  }
  return block == NULL ? NULL : &block->sums[(page - 1) % SUMS_IN_BLOCK];
}

static void sums_set_dirty(page_sums *s, sums_u64 page) {
  sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
  sums_shelf *shelf = __atomic_load_n(&s->shelves[number / BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  if (shelf != NULL) __atomic_store_n(&shelf->dirty[number % BLOCKS_IN_SHELF], 1, __ATOMIC_RELEASE);
}

static void sums_forget(page_sums *s, sums_u64 from, sums_u64 until) {
  for (sums_u64 page = from; page < until;) {
    sums_u32 *sum = sums_at(s, page, 0);
    if (sum == NULL) {
      /* The next block, or the next shelf. */
      sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
      if (number >= (sums_u64)SHELVES * BLOCKS_IN_SHELF) return;
      number = s->shelves[number / BLOCKS_IN_SHELF] == NULL
        ? (number / BLOCKS_IN_SHELF + 1) * BLOCKS_IN_SHELF
        : number + 1;
      page = number * SUMS_IN_BLOCK + 1;
      continue;
    }
    if (__atomic_exchange_n(sum, 0, __ATOMIC_ACQ_REL) != 0) sums_set_dirty(s, page);
    page++;
  }
}

static void sums_clear(page_sums *s) {
  for (int i = 0; i < SHELVES; i++) {
    sums_shelf *shelf = s->shelves[i];
    if (shelf == NULL) continue;
    for (int j = 0; j < BLOCKS_IN_SHELF; j++) free(shelf->blocks[j]);
    free(shelf);
    s->shelves[i] = NULL;
  }
}

static void sums_close_file(sqlite3_file *file) {
  file->pMethods->xClose(file);
  free(file);
}

static void sums_free(page_sums *s) {
  if (s->side != NULL) sums_close_file(s->side);
  sums_clear(s);
  sqlite3_free(s->path);
  sqlite3_free(s->side_path);
  free(s);
}

static int sums_write_head(page_sums *s) {
  s->head.sum = sums_of_head(&s->head);
  return s->side->pMethods->xWrite(s->side, &s->head, sizeof s->head, 0);
}

/* Before the file is written: what it was closed as, it will be no longer. */
static int sums_unseal(page_sums *s) {
  sqlite3_int64 before;
  int rc = SQLITE_OK;
  if (__atomic_load_n(&s->head.sealed_at, __ATOMIC_ACQUIRE) < 0) return SQLITE_OK;
  sqlite3_mutex_enter(sums_mutex());
  before = s->head.sealed_at;
  if (before >= 0 && !s->ended) {
    __atomic_store_n(&s->head.sealed_at, -1, __ATOMIC_RELEASE);
    rc = sums_write_head(s);
    if (rc == SQLITE_OK) rc = s->side->pMethods->xSync(s->side, SQLITE_SYNC_NORMAL);
    if (rc != SQLITE_OK) __atomic_store_n(&s->head.sealed_at, before, __ATOMIC_RELEASE);
  }
  sqlite3_mutex_leave(sums_mutex());
  return rc;
}

/* Writes what differs; whether that is to be synced. With the mutex. */
static int sums_flush(page_sums *s, int *written) {
  *written = 0;
  if (s->ended) return SQLITE_OK;
  for (int i = 0; i < SHELVES; i++) {
    sums_shelf *shelf = s->shelves[i];
    if (shelf == NULL) continue;
    for (int j = 0; j < BLOCKS_IN_SHELF; j++) {
      sums_u64 number = (sums_u64)i * BLOCKS_IN_SHELF + j;
      sums_block copy;
      int rc;
      if (shelf->blocks[j] == NULL) continue;
      if (!__atomic_exchange_n(&shelf->dirty[j], 0, __ATOMIC_ACQ_REL)) continue;
      memcpy(&copy, shelf->blocks[j], sizeof copy);
      copy.sum = sums_of_block(&copy, number);
      rc = s->side->pMethods->xWrite(s->side, &copy, sizeof copy, (number + 1) * BLOCK_BYTES);
      if (rc != SQLITE_OK) {
        shelf->dirty[j] = 1;
        return rc;
      }
      *written = 1;
    }
  }
  return SQLITE_OK;
}

static int sums_is_one(const unsigned char *bytes, int length, page_sums *s, sums_u64 page) {
  sums_u32 sum = sums_of_page(bytes, length, page), known = 0;
  sums_u32 *at = sums_at(s, page, 1);
  if (at == NULL) return 1;
  /* The first to see a page of which nothing is known says what it is from now on. */
  if (__atomic_load_n(at, __ATOMIC_ACQUIRE) == 0 &&
      __atomic_compare_exchange_n(at, &known, sum, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    sums_set_dirty(s, page);
    return 1;
  }
  return __atomic_load_n(at, __ATOMIC_ACQUIRE) == sum;
}

static sums_tail *sums_tail_of(sqlite3_file *file) {
  return (sums_tail *)((char *)file + sums_original->szOsFile);
}

/* SQLite locks bytes of this page, and never reads or writes it. */
#define SUMS_LOCK_BYTE 0x40000000

static int sums_read_part(sqlite3_file *, void *, int, sqlite3_int64);

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
  for (int at = 0; at < amount; at += page_bytes) {
    sums_u64 page = (offset + at) / page_bytes + 1;
    unsigned char *bytes = (unsigned char *)into + at;
    if (offset + at == SUMS_LOCK_BYTE) continue;
    /* A page that the file has not: only one that was in it is missed. */
    if (rc != SQLITE_OK) {
      sums_u32 *known = sums_at(s, page, 0);
      if (known == NULL || __atomic_load_n(known, __ATOMIC_ACQUIRE) == 0) continue;
    }
    if (sums_is_one(bytes, page_bytes, s, page)) continue;
    /* Once more, of the file: what was wrong on the way is not wrong there. */
    rc = tail->original->xRead(file, bytes, page_bytes, offset + at);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
    if (sums_is_one(bytes, page_bytes, s, page)) continue;
    if (__atomic_fetch_add(&s->mismatches, 1, __ATOMIC_ACQ_REL) == 0) {
      __atomic_store_n(&s->first_page, page, __ATOMIC_RELEASE);
    }
    return SQLITE_IOERR_DATA;
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

static int sums_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  sqlite3_int64 page_bytes;
  int rc = sums_unseal(s);
  if (rc != SQLITE_OK) return rc;
  rc = tail->original->xWrite(file, from, amount, offset);
  if (offset == 0 && amount >= 512 && s->head.page_bytes == 0) s->head.page_bytes = amount;
  page_bytes = (sqlite3_int64)s->head.page_bytes;
  if (page_bytes == 0) return rc;
  if (rc != SQLITE_OK || amount != page_bytes || offset % page_bytes != 0) {
    sums_forget(s, offset / page_bytes + 1, (offset + amount + page_bytes - 1) / page_bytes + 1);
  } else {
    sums_u64 page = offset / page_bytes + 1;
    sums_u32 *sum = sums_at(s, page, 1);
    if (sum == NULL) return SQLITE_IOERR_NOMEM;
    __atomic_store_n(sum, sums_of_page(from, amount, page), __ATOMIC_RELEASE);
    sums_set_dirty(s, page);
  }
  return rc;
}

static int sums_truncate(sqlite3_file *file, sqlite3_int64 size) {
  sums_tail *tail = sums_tail_of(file);
  page_sums *s = tail->of;
  int rc = sums_unseal(s);
  if (rc != SQLITE_OK) return rc;
  rc = tail->original->xTruncate(file, size);
  if (s->head.page_bytes > 0) sums_forget(s, size / s->head.page_bytes + 1, ~0ULL);
  return rc;
}

/*
 * Of a checkpoint: only behind it the WAL can be begun anew, so that until then a page and its sum
 * may differ on the disk, for the page is read from the WAL and written again from there.
 */
static int sums_sync(sqlite3_file *file, int flags) {
  sums_tail *tail = sums_tail_of(file);
  sqlite3_file *side = tail->of->side;
  int written, rc;
  sqlite3_mutex_enter(sums_mutex());
  rc = sums_flush(tail->of, &written);
  sqlite3_mutex_leave(sums_mutex());
  if (rc == SQLITE_OK && written) rc = side->pMethods->xSync(side, flags);
  return rc == SQLITE_OK ? tail->original->xSync(file, flags) : rc;
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

/* The WAL's header, when it is begun anew. */
static int sums_write_wal(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset) {
  sums_tail *tail = sums_tail_of(file);
  int rc = tail->original->xWrite(file, from, amount, offset);
  if (rc == SQLITE_OK && offset == 0 && amount == 32) {
    page_sums *s;
    sqlite3_mutex_enter(sums_mutex());
    /* The WAL may be open for longer than the database, and this may have ended. */
    for (s = sums_all; s != NULL && s != tail->of; s = s->next);
    if (s != NULL) {
      memcpy(s->head.salts, (const char *)from + 16, 8);
      __atomic_store_n(&s->head.sealed_at, -1, __ATOMIC_RELEASE);
      s->head.file_id = sums_file_id(s->path);
      rc = sums_write_head(s);
    }
    sqlite3_mutex_leave(sums_mutex());
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
  if (tail->of != NULL && is_database) tail->of->open++;
  sqlite3_mutex_leave(sums_mutex());
  if (tail->of == NULL) return rc;
  tail->original = file->pMethods;
  tail->methods = *file->pMethods;
  if (is_wal) tail->methods.xWrite = sums_write_wal;
  else {
    /* Without memory-mapped reads, which nobody could look at. */
    if (tail->methods.iVersion > 2) tail->methods.iVersion = 2;
    tail->methods.xRead = sums_read;
    tail->methods.xWrite = sums_write;
    tail->methods.xTruncate = sums_truncate;
    tail->methods.xSync = sums_sync;
    tail->methods.xClose = sums_close;
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

/* A file of its own, by the default VFS. */
static sqlite3_file *sums_open_file(const char *path, int flags) {
  sqlite3_file *file = calloc(1, sums_original->szOsFile);
  int out = 0;
  if (file == NULL) return NULL;
  if (sums_original->xOpen(sums_original, path, file, flags, &out) == SQLITE_OK) return file;
  free(file);
  return NULL;
}

enum { SUMS_NO_WAL, SUMS_OWN_WAL, SUMS_OTHER_WAL };

/* What there is of a WAL: nothing in it, the one that this program has begun last, or another. */
static int sums_wal(page_sums *s) {
  char *path = sqlite3_mprintf("%s-wal%c%c", s->path, 0, 0);
  unsigned char header[32];
  sqlite3_int64 size = 0;
  sqlite3_file *file;
  int result = SUMS_OTHER_WAL;
  if (path == NULL) return result;
  file = sums_open_file(path, SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_READONLY);
  if (file == NULL) result = SUMS_NO_WAL;
  else {
    const sqlite3_io_methods *methods = file->pMethods;
    if (methods->xFileSize(file, &size) == SQLITE_OK && size == 0) result = SUMS_NO_WAL;
    else if (methods->xRead(file, header, 32, 0) == SQLITE_OK &&
             memcmp(header + 16, s->head.salts, 8) == 0) result = SUMS_OWN_WAL;
    sums_close_file(file);
  }
  sqlite3_free(path);
  return result;
}

/* Reads the side file; whether what it says is of the database as it is. */
static int sums_load(page_sums *s, sqlite3_int64 applied) {
  sqlite3_int64 size = 0;
  sums_head head;
  if (s->side->pMethods->xRead(s->side, &head, sizeof head, 0) != SQLITE_OK) return 0;
  if (memcmp(head.magic, sums_magic, sizeof sums_magic) != 0) return 0;
  if (head.probe != sums_probe() || head.sum != sums_of_head(&head)) return 0;
  if (head.page_bytes < 512 || head.page_bytes > 65536) return 0;
  if (head.file_id != sums_file_id(s->path)) return 0;
  memcpy(s->head.salts, head.salts, sizeof head.salts);
  if (sums_wal(s) != (head.sealed_at >= 0 ? SUMS_NO_WAL : SUMS_OWN_WAL)) return 0;
  if (head.sealed_at >= 0 && head.sealed_at != applied) return 0;
  if (s->side->pMethods->xFileSize(s->side, &size) != SQLITE_OK) return 0;
  s->head = head;
  for (sums_u64 number = 0; (sqlite3_int64)(number + 2) * BLOCK_BYTES <= size; number++) {
    sums_block block;
    sums_u32 *first;
    if (s->side->pMethods->xRead(s->side, &block, sizeof block, (number + 1) * BLOCK_BYTES)
        != SQLITE_OK) continue;
    if (block.sum != sums_of_block(&block, number)) continue;
    first = sums_at(s, number * SUMS_IN_BLOCK + 1, 1);
    if (first != NULL) memcpy(first, block.sums, sizeof block.sums);
  }
  return 1;
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
 * which entry the file says that it is. 1: by what the side file says; 0: from nothing; else -code.
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
    sums_clear(s);
    memset(&s->head, 0, sizeof s->head);
    memcpy(s->head.magic, sums_magic, sizeof sums_magic);
    s->head.file_id = sums_file_id(s->path);
    s->head.probe = sums_probe();
    s->head.sealed_at = -1;
    rc = s->side->pMethods->xTruncate(s->side, 0);
  }
  if (s->head.page_bytes == 0) {
    unsigned char header[100];
    sqlite3_file *file = sums_open_file(s->path, SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_READONLY);
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
      if (rc == SQLITE_OK) rc = sums_write_head(s);
      if (rc == SQLITE_OK) rc = side->pMethods->xSync(side, SQLITE_SYNC_NORMAL);
    }
    sums_drop(s);
  }
  sqlite3_mutex_leave(sums_mutex());
  return rc;
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
