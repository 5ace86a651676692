/**
 * The sums of pages themselves: how one is made, and where they are kept, in memory and in the side
 * file. Before all that is compiled for them (`page_sums_source.ts`), of which it declares what the
 * rest shares.
 */
export const pageSumsTableSource = `
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

typedef struct {
  sums_shelf *shelves[SHELVES];
} sums_table;

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
  /*
   * A page of the WAL that was another one than was written, 0 for none. A start would take the WAL
   * for ended there, while of what is behind some may be in the file: so nothing is read any more.
   */
  sums_u64 wrong_page;
  /*
   * Of that WAL: the frame up to which pages may be in the file, 0 for none; SQLite's sum in it, which
   * is of all frames up to there; and 1 where they all are.
   */
  sums_u64 moved_frames;
  unsigned char moved_sum[8];
  sums_u64 moved_all;
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
  sums_table pages;
  /* Of the pages in the frames of the WAL, by the frame: while this process runs only. */
  sums_table frames;
  /* Reads that did not have what was written, and the page of the first. */
  sums_u64 mismatches;
  sums_u64 first_page;
  /* What was found wrong in the WAL, by an earlier process or at the beginning: no read succeeds. */
  sums_u64 refused_for;
  /* Why the checkpoint under way may not write the file: SQLite does not ask where it begins. */
  int moving_rc;
};

/* Behind what the default VFS keeps of a file. */
typedef struct {
  const sqlite3_io_methods *original;
  page_sums *of;
  /* Bytes written, but not out, and where they are. */
  sqlite3_int64 unsynced;
  sqlite3_int64 from;
  sqlite3_int64 until;
  sqlite3_io_methods methods;
} sums_tail;

static const char sums_magic[24] = "raftlite page sums 3";
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

/* Where the sum of a page, or of a frame, is; NULL where there is none, or no memory for it. */
static sums_u32 *sums_at(sums_table *t, sums_u64 page, int make) {
  sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
  sums_shelf *shelf;
  sums_block *block;
  if (number >= (sums_u64)SHELVES * BLOCKS_IN_SHELF) return NULL;
  shelf = __atomic_load_n(&t->shelves[number / BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  block = shelf == NULL
    ? NULL
    : __atomic_load_n(&shelf->blocks[number % BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  if (block == NULL && make) {
    sqlite3_mutex_enter(sums_mutex());
    shelf = t->shelves[number / BLOCKS_IN_SHELF];
    if (shelf == NULL) {
      shelf = calloc(1, sizeof *shelf);
      __atomic_store_n(&t->shelves[number / BLOCKS_IN_SHELF], shelf, __ATOMIC_RELEASE);
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

static void sums_set_dirty(sums_table *t, sums_u64 page) {
  sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
  sums_shelf *shelf = __atomic_load_n(&t->shelves[number / BLOCKS_IN_SHELF], __ATOMIC_ACQUIRE);
  if (shelf != NULL) __atomic_store_n(&shelf->dirty[number % BLOCKS_IN_SHELF], 1, __ATOMIC_RELEASE);
}

/* Of a page that was written; SQLITE_IOERR_NOMEM where there is no memory for its sum. */
static int sums_note(sums_table *t, const unsigned char *bytes, int length, sums_u64 page) {
  sums_u32 *sum = sums_at(t, page, 1);
  if (sum == NULL) return SQLITE_IOERR_NOMEM;
  __atomic_store_n(sum, sums_of_page(bytes, length, page), __ATOMIC_RELEASE);
  sums_set_dirty(t, page);
  return SQLITE_OK;
}

static void sums_forget(sums_table *t, sums_u64 from, sums_u64 until) {
  for (sums_u64 page = from; page < until;) {
    sums_u32 *sum = sums_at(t, page, 0);
    if (sum == NULL) {
      /* The next block, or the next shelf. */
      sums_u64 number = (page - 1) / SUMS_IN_BLOCK;
      if (number >= (sums_u64)SHELVES * BLOCKS_IN_SHELF) return;
      number = t->shelves[number / BLOCKS_IN_SHELF] == NULL
        ? (number / BLOCKS_IN_SHELF + 1) * BLOCKS_IN_SHELF
        : number + 1;
      page = number * SUMS_IN_BLOCK + 1;
      continue;
    }
    if (__atomic_exchange_n(sum, 0, __ATOMIC_ACQ_REL) != 0) sums_set_dirty(t, page);
    page++;
  }
}

static void sums_clear(sums_table *t) {
  for (int i = 0; i < SHELVES; i++) {
    sums_shelf *shelf = t->shelves[i];
    if (shelf == NULL) continue;
    for (int j = 0; j < BLOCKS_IN_SHELF; j++) free(shelf->blocks[j]);
    free(shelf);
    t->shelves[i] = NULL;
  }
}

static void sums_close_file(sqlite3_file *file) {
  file->pMethods->xClose(file);
  free(file);
}

static void sums_free(page_sums *s) {
  if (s->side != NULL) sums_close_file(s->side);
  sums_clear(&s->pages);
  sums_clear(&s->frames);
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
    sums_shelf *shelf = s->pages.shelves[i];
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

static int sums_is_one(const unsigned char *bytes, int length, sums_table *t, sums_u64 page) {
  sums_u32 sum = sums_of_page(bytes, length, page), known = 0;
  sums_u32 *at = sums_at(t, page, 1);
  if (at == NULL) return 1;
  /* The first to see a page of which nothing is known says what it is from now on. */
  if (__atomic_load_n(at, __ATOMIC_ACQUIRE) == 0 &&
      __atomic_compare_exchange_n(at, &known, sum, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    sums_set_dirty(t, page);
    return 1;
  }
  return __atomic_load_n(at, __ATOMIC_ACQUIRE) == sum;
}
`;
