/*
 * An extension of SQLite that does what extensions do, well and badly. It needs no header: what
 * SQLite hands over is a table of functions, whose order is fixed for ever.
 */
#include <stddef.h>

typedef void (*function)(void);
typedef void (*sql_function)(void *context, int count, void **values);

static function *api;

#define API(position, type) ((type)api[position])
#define create_collation                                                                     \
  API(43, int (*)(void *, const char *, int, void *, int (*)(void *, int, const void *, int, \
                                                             const void *)))
#define create_function                                                                    \
  API(45, int (*)(void *, const char *, int, int, void *, sql_function, sql_function, \
                  void (*)(void *)))
#define sqlite_exec API(55, int (*)(void *, const char *, void *, void *, char **))
#define sqlite_mprintf API(69, char *(*)(const char *, ...))
#define result_int64 API(83, void (*)(void *, long long))
#define value_int64 API(107, long long (*)(void *))
#define value_text API(109, const char *(*)(void *))
#define result_error_code API(146, void (*)(void *, int))
#define context_db_handle API(149, void *(*)(void *))

enum { utf8 = 1, deterministic = 0x800, directonly = 0x80000, innocuous = 0x200000 };

static void twice(void *context, int count, void **values) {
  (void)count;
  result_int64(context, 2 * value_int64(values[0]));
}

/* Another number at every call, on every node. */
static void draw(void *context, int count, void **values) {
  static long long drawn;
  (void)count, (void)values;
  result_int64(context, (long long)(size_t)&drawn + ++drawn);
}

/* Runs SQL of its own, about which SQLite asks as of anybody's. */
static void run_sql(void *context, int count, void **values) {
  (void)count;
  result_int64(context, sqlite_exec(context_db_handle(context), value_text(values[0]), NULL, NULL, NULL));
}

/* As sqlean's regexp does of a pattern that it cannot read. */
static void claim(void *context, int count, void **values) {
  (void)count, (void)values;
  result_error_code(context, 7);
}

/* In the place of SQLite's. */
static void length(void *context, int count, void **values) {
  (void)count, (void)values;
  result_int64(context, 42);
}

static int backwards(void *unused, int left, const void *a, int right, const void *b) {
  const unsigned char *x = a, *y = b;
  int i;
  (void)unused;
  for (i = 0; i < left && i < right; i++)
    if (x[i] != y[i]) return y[i] - x[i];
  return right - left;
}

int sqlite3_probe_init(void *database, char **error, function *routines) {
  int code;
  api = routines;
#ifdef FAILS
  *error = sqlite_mprintf("boom from init");
  return 1;
#endif
#ifdef WRITES
  /* As sqlean's define does, without a word of what went wrong. */
  if (sqlite_exec(database, "CREATE TABLE IF NOT EXISTS made_by_probe(x)", NULL, NULL, NULL)) return 1;
#endif
  (void)error;
  code = create_function(database, "twice", 1, utf8 | deterministic | innocuous, NULL, twice, NULL, NULL);
  code |= create_function(database, "draw", 0, utf8 | innocuous, NULL, draw, NULL, NULL);
  code |= create_function(database, "run_sql", 1, utf8 | deterministic, NULL, run_sql, NULL, NULL);
  code |= create_function(database, "claim", 0, utf8 | deterministic | innocuous, NULL, claim, NULL, NULL);
  code |= create_function(database, "length", 1, utf8 | deterministic | innocuous, NULL, length, NULL, NULL);
  code |= create_collation(database, "backwards", utf8, NULL, backwards);
  return code;
}
