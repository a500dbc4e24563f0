/*
 * A disk that fails on demand: preloaded into a process (LD_PRELOAD), it wraps the file functions of
 * the C library and makes selected calls fail with a given error.
 *
 * The rules are written, while the process runs, into the file named by FAILING_DISK. The file is
 * mapped into memory, so a rule applies from the next call on, and the counts can be read there.
 * `failing_disk.ts` writes and reads it. The layout, little endian, is `struct rule` for each kind of
 * operation, in the order of `enum kind`.
 *
 * Files are identified by their current names, through /proc/self/fd, so renamed files match under
 * their new names and no state is needed. While no rule is active, a call costs one check.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { OPEN, WRITE, READ, SYNC, TRUNCATE, RENAME, KINDS };

#define NAME_BYTES 232
#define ALWAYS UINT32_MAX

struct rule {
  volatile uint32_t on;      /* whether calls are looked at */
  volatile uint32_t error;   /* the errno, 0 to count only */
  volatile uint32_t skip;    /* so many calls pass first */
  volatile uint32_t limit;   /* so many fail, ALWAYS for all */
  volatile uint32_t partial; /* a write that is about to fail stores so many bytes first */
  volatile uint32_t hold;    /* while it is not 0, calls wait before they pass or fail */
  volatile uint32_t seen;    /* how many calls the rule was about */
  volatile uint32_t struck;  /* how many of them failed */
  char below[NAME_BYTES];    /* paths that begin so */
  char part[NAME_BYTES];     /* and have this somewhere behind */
};

static struct rule *rules;

/* Once, by the first call or when the library is loaded, whichever comes first. */
static void *real(void **at, const char *name) {
  if (*at == NULL) *at = dlsym(RTLD_NEXT, name);
  return *at;
}
#define REAL(name, type) \
  static void *found_##name;                                  \
  __typeof__(type) *call = (__typeof__(type) *)real(&found_##name, #name)

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAILING_DISK");
  if (path == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  void *map = fd < 0 ? MAP_FAILED
                     : mmap(NULL, KINDS * sizeof(struct rule), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) {
    fprintf(stderr, "failing_disk: cannot map \"%s\"\n", path);
    _exit(3);
  }
  syscall(SYS_close, fd);
  rules = map;
}

static int concerns(const struct rule *rule, const char *path) {
  size_t length = strnlen(rule->below, NAME_BYTES);
  return strncmp(path, rule->below, length) == 0 && strstr(path + length, rule->part) != NULL;
}

/* Whether a call on `path` fails, with errno set. `bytes` is how many it would write, else 0: where it
   stores a part first, that many become `*partial`. */
static int strikes(struct rule *rule, const char *path, size_t bytes, size_t *partial) {
  if (!concerns(rule, path)) return 0;
  __sync_fetch_and_add(&rule->seen, 1);
  /* Limited, so that a test that died leaves no hanging process. */
  for (int i = 0; rule->hold && i < 20000; i++) {
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
  if (rule->error == 0) return 0;
  for (uint32_t skip; (skip = rule->skip) > 0;)
    if (__sync_bool_compare_and_swap(&rule->skip, skip, skip - 1)) return 0;
  uint32_t part = rule->partial;
  if (part > 0 && bytes > part && __sync_bool_compare_and_swap(&rule->partial, part, 0)) {
    *partial = part;
    return 0;
  }
  for (uint32_t limit; (limit = rule->limit) != ALWAYS;) {
    if (limit == 0) return 0;
    if (__sync_bool_compare_and_swap(&rule->limit, limit, limit - 1)) break;
  }
  __sync_fetch_and_add(&rule->struck, 1);
  errno = (int)rule->error;
  return 1;
}

static int is_on(enum kind kind) { return rules != NULL && rules[kind].on; }

static int path_fails(enum kind kind, const char *path) {
  size_t none;
  return is_on(kind) && path != NULL && strikes(&rules[kind], path, 0, &none);
}

static int file_fails_after(enum kind kind, int fd, size_t bytes, size_t *partial) {
  if (!is_on(kind)) return 0;
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int before = errno;
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = before;
  if (length <= 0) return 0;
  path[length] = '\0';
  return strikes(&rules[kind], path, bytes, partial);
}

static int file_fails(enum kind kind, int fd) {
  size_t none;
  return file_fails_after(kind, fd, 0, &none);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(write, ssize_t(int, const void *, size_t));
  size_t partial = length;
  return file_fails_after(WRITE, fd, length, &partial) ? -1 : call(fd, bytes, partial);
}

#define PWRITE(name, offset) \
  ssize_t name(int fd, const void *bytes, size_t length, offset at) { \
    REAL(name, ssize_t(int, const void *, size_t, offset)); \
    size_t partial = length; \
    return file_fails_after(WRITE, fd, length, &partial) ? -1 : call(fd, bytes, partial, at); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev, ssize_t(int, const struct iovec *, int));
  return file_fails(WRITE, fd) ? -1 : call(fd, parts, count);
}

#define PWRITEV(name, offset) \
  ssize_t name(int fd, const struct iovec *parts, int count, offset at) { \
    REAL(name, ssize_t(int, const struct iovec *, int, offset)); \
    return file_fails(WRITE, fd) ? -1 : call(fd, parts, count, at); \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

ssize_t read(int fd, void *bytes, size_t length) {
  REAL(read, ssize_t(int, void *, size_t));
  return file_fails(READ, fd) ? -1 : call(fd, bytes, length);
}

#define PREAD(name, offset) \
  ssize_t name(int fd, void *bytes, size_t length, offset at) { \
    REAL(name, ssize_t(int, void *, size_t, offset)); \
    return file_fails(READ, fd) ? -1 : call(fd, bytes, length, at); \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t readv(int fd, const struct iovec *parts, int count) {
  REAL(readv, ssize_t(int, const struct iovec *, int));
  return file_fails(READ, fd) ? -1 : call(fd, parts, count);
}

#define PREADV(name, offset) \
  ssize_t name(int fd, const struct iovec *parts, int count, offset at) { \
    REAL(name, ssize_t(int, const struct iovec *, int, offset)); \
    return file_fails(READ, fd) ? -1 : call(fd, parts, count, at); \
  }
PREADV(preadv, off_t)
PREADV(preadv64, off64_t)

#define SYNC_CALL(name) \
  int name(int fd) { \
    REAL(name, int(int)); \
    return file_fails(SYNC, fd) ? -1 : call(fd); \
  }
SYNC_CALL(fsync)
SYNC_CALL(fdatasync)

#define FTRUNCATE(name, offset) \
  int name(int fd, offset length) { \
    REAL(name, int(int, offset)); \
    return file_fails(TRUNCATE, fd) ? -1 : call(fd, length); \
  }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
  REAL(rename, int(const char *, const char *));
  return path_fails(RENAME, from) ? -1 : call(from, to);
}

/* Paths relative to an open directory are not matched, since they are not used here. */
#define OPEN_MODE \
  mode_t mode = 0; \
  if (flags & (O_CREAT | __O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

#define OPEN_CALL(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name, int(const char *, int, ...)); \
    OPEN_MODE \
    return path_fails(OPEN, path) ? -1 : call(path, flags, mode); \
  }
OPEN_CALL(open)
OPEN_CALL(open64)

#define OPENAT_CALL(name) \
  int name(int directory, const char *path, int flags, ...) { \
    REAL(name, int(int, const char *, int, ...)); \
    OPEN_MODE \
    return path_fails(OPEN, path) ? -1 : call(directory, path, flags, mode); \
  }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)
