/*
 * The least that looking at an unpacked image takes: list every folder, stat every file and list its attributes, then open, read and hash each
 * regular file once, twice over (SHA-256 and SHA-384), on two threads. No tar is put together again, nothing is compared, nothing is known
 * of layers. Beside it the two hashes over as many bytes in memory. What it comes to is the most that `plimsoll measure` could reach.
 *
 *     cc -O2 -o bare-measure benchmarks/bare-measure.c -l:libcrypto.so.3 -lpthread
 *     sudo ./bare-measure /var/lib/docker/overlay2/LAYER/diff ...
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Of libcrypto; declared here so that its headers need not be installed. */
void *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(void *context);
int EVP_DigestInit_ex(void *context, const void *algorithm, void *engine);
int EVP_DigestUpdate(void *context, const void *data, size_t length);
const void *EVP_sha256(void);
const void *EVP_sha384(void);

enum { THREADS = 2, ROUNDS = 5, CHUNK = 128 * 1024, MEMORY = 64 << 20 };

static char **files;
static long count, room;
static atomic_long next_file, bytes;

static void walk(const char *folder)
{
    DIR *open_folder = opendir(folder);
    struct dirent *entry;
    if (open_folder == NULL)
        return;
    while ((entry = readdir(open_folder)) != NULL) {
        char path[4096], names[1024];
        struct statx stat;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (statx(dirfd(open_folder), entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stat) != 0)
            continue;
        (void)!llistxattr(path, names, sizeof names);
        if (S_ISDIR(stat.stx_mode)) {
            walk(path);
        } else if (S_ISREG(stat.stx_mode)) {
            if (count == room)
                files = realloc(files, (room = room * 2 + 1024) * sizeof *files);
            files[count++] = strdup(path);
        }
    }
    closedir(open_folder);
}

static void begin(void **sha256, void **sha384)
{
    EVP_DigestInit_ex(*sha256 = EVP_MD_CTX_new(), EVP_sha256(), NULL);
    EVP_DigestInit_ex(*sha384 = EVP_MD_CTX_new(), EVP_sha384(), NULL);
}

static void *read_and_hash(void *unused)
{
    char *chunk = malloc(CHUNK);
    void *sha256, *sha384;
    size_t filled = 0;
    long i;
    begin(&sha256, &sha384);
    while ((i = atomic_fetch_add(&next_file, 1)) < count) {
        int file = open(files[i], O_RDONLY | O_NOFOLLOW | O_NOATIME);
        struct stat stat;
        ssize_t got;
        if (file < 0)
            continue;
        fstat(file, &stat);
        for (long left = stat.st_size; left > 0; left -= got) {
            size_t free_bytes = CHUNK - filled;
            got = read(file, chunk + filled, (long)free_bytes < left ? free_bytes : (size_t)left);
            if (got <= 0)
                break;
            bytes += got;
            filled += got;
            if (filled == CHUNK) {
                EVP_DigestUpdate(sha256, chunk, filled);
                EVP_DigestUpdate(sha384, chunk, filled);
                filled = 0;
            }
        }
        close(file);
    }
    EVP_DigestUpdate(sha256, chunk, filled);
    EVP_DigestUpdate(sha384, chunk, filled);
    EVP_MD_CTX_free(sha256);
    EVP_MD_CTX_free(sha384);
    free(chunk);
    return unused;
}

static void *hash_memory(void *unused)
{
    char *memory = malloc(MEMORY);
    void *sha256, *sha384;
    long at = 0;
    memset(memory, 1, MEMORY);
    begin(&sha256, &sha384);
    for (; atomic_fetch_sub(&bytes, CHUNK) > 0; at = (at + CHUNK) % MEMORY) {
        EVP_DigestUpdate(sha256, memory + at, CHUNK);
        EVP_DigestUpdate(sha384, memory + at, CHUNK);
    }
    EVP_MD_CTX_free(sha256);
    EVP_MD_CTX_free(sha384);
    free(memory);
    return unused;
}

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void on_all_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    for (int round = 0; round < ROUNDS; round++) {
        double begun = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID), listed, all, all_used, memory, memory_used;
        long total;
        count = 0;
        next_file = bytes = 0;
        for (int i = 1; i < argc; i++)
            walk(argv[i]);
        listed = seconds(CLOCK_MONOTONIC) - begun;
        on_all_threads(read_and_hash);
        all = seconds(CLOCK_MONOTONIC) - begun;
        all_used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
        total = bytes;
        begun = seconds(CLOCK_MONOTONIC);
        used = seconds(CLOCK_PROCESS_CPUTIME_ID);
        on_all_threads(hash_memory);
        memory = seconds(CLOCK_MONOTONIC) - begun;
        memory_used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
        /* Listing is on one thread here; the second figure is what it comes to were it shared out as well. */
        printf("%ld files, %ld bytes: %.2f s (listing %.2f), processor %.2f s; in memory %.2f s, processor %.2f s; of the floor %.2f, with listing on %d threads %.2f\n",
               count, total, all, listed, all_used, memory, memory_used, memory / all, THREADS, memory / (all - listed + listed / THREADS));
    }
    return 0;
}
