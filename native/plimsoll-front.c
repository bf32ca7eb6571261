/*
 * plimsoll-front: answers dockerd's authorization questions (POST /Plugin.Activate, /AuthZPlugin.AuthZReq, /AuthZPlugin.AuthZRes) on a
 * unix socket. A question about a request goes to plimsoll-agent; when the agent is frozen, stopped or slow the answer is a denial, so
 * that the daemon never hangs and nothing passes unasked. docs/formats/gate-protocol.md describes both sides.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    DefaultDeadlineMs = 5000,
    IdleMs = 60000,             /* a kept connection without a request */
    RequestMs = 10000,          /* from the first byte of a request to its last; dockerd is on the same host */
    DrainMs = 2000,             /* how long the rest of a refused body is read, so that the client gets to read the answer */
    MaxLine = 2048,
    MaxHeaders = 64,
    MaxBody = 8 << 20,          /* dockerd itself hands over at most 1 MiB of a body, in base64 */
    MaxAnswer = (64 << 10) - 1,
    MaxHeld = 64 << 20,         /* bodies of all connections together */
    MaxConnections = 256,       /* more are answered with a denial */
    MaxThreads = MaxConnections + 64, /* more wait in the listen queue */
    MaxPool = 8,
    StackBytes = 64 << 10,
    BufferBytes = 8192,
};

enum result { Ok, Closed, Late, Bad, TooLong, NoMemory };

/* One side of a conversation. The descriptor does not block. */
struct stream { int fd; size_t start, end; int64_t deadline; char bytes[BufferBytes]; };
struct head { char first[MaxLine]; int64_t length; bool chunked, close; };
struct body { char *bytes; size_t length, capacity, limit; bool discard; };

static struct sockaddr_un listen_address = {.sun_family = AF_UNIX}, agent_address = {.sun_family = AF_UNIX};
static int deadline_ms = DefaultDeadlineMs;
static atomic_int connections;
static atomic_size_t held;
static atomic_bool agent_failed;
/* When a question last ran out, and when the first was asked that the agent has not said anything since; 0 when it answered one. */
static _Atomic int64_t late_at, silent_since;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static int pool[MaxPool], pooled;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* False when the deadline passed first. */
static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return false;
        struct pollfd p = {.fd = fd, .events = events};
        if (poll(&p, 1, (int)left) > 0)
            return true;
    }
}

static enum result fill(struct stream *s)
{
    s->start = s->end = 0;
    for (;;) {
        ssize_t n = recv(s->fd, s->bytes, sizeof s->bytes, 0);
        if (n > 0) {
            s->end = (size_t)n;
            return Ok;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return Closed;
        if (!wait_for(s->fd, POLLIN, s->deadline))
            return Late;
    }
}

static enum result send_all(int fd, struct iovec *parts, int count, int64_t deadline)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline))
                return Late;
            continue;
        }
        if (n < 0 && errno != EINTR)
            return Closed;
        for (size_t sent = n < 0 ? 0 : (size_t)n; count > 0;) {
            size_t step = sent < parts->iov_len ? sent : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + step;
            parts->iov_len -= step;
            sent -= step;
            if (parts->iov_len > 0)
                break;
            parts++;
            count--;
        }
    }
    return Ok;
}

/* A line that ends with CR LF, and holds printable ASCII and tabs only. */
static enum result read_line(struct stream *s, char line[MaxLine])
{
    for (size_t n = 0; n < MaxLine; n++) {
        if (s->start == s->end) {
            enum result r = fill(s);
            if (r != Ok)
                return r;
        }
        char c = s->bytes[s->start++];
        line[n] = c;
        if (c == '\n') {
            if (n == 0 || line[n - 1] != '\r')
                return Bad;
            line[n - 1] = 0;
            return Ok;
        }
        if (n > 0 && line[n - 1] == '\r')
            return Bad;
        if ((c < 0x20 || c > 0x7e) && c != '\r' && c != '\t')
            return Bad;
    }
    return Bad;
}

/* The first line and the headers. What a body's length could be read in two ways from is bad. */
static enum result read_head(struct stream *s, struct head *h)
{
    char line[MaxLine];
    enum result r = read_line(s, h->first);
    if (r == Ok && !*h->first)
        return Bad;
    h->length = -1;
    h->chunked = h->close = false;
    for (int count = 0; r == Ok && count <= MaxHeaders; count++) {
        r = read_line(s, line);
        if (r != Ok || !*line)
            return r;
        size_t name = strcspn(line, ":");
        if (name == 0 || !line[name] || strcspn(line, " \t\"(),/;<=>?@[\\]{}") < name)
            return Bad;
        line[name] = 0;
        char *value = line + name + 1;
        value += strspn(value, " \t");
        for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
            value[n - 1] = 0;
        if (strcasecmp(line, "content-length") == 0) {
            if (h->length >= 0 || h->chunked || !*value || strlen(value) > 15 || strspn(value, "0123456789") != strlen(value))
                return Bad;
            h->length = atoll(value);
        } else if (strcasecmp(line, "transfer-encoding") == 0) {
            if (h->length >= 0 || h->chunked || strcasecmp(value, "chunked") != 0)
                return Bad;
            h->chunked = true;
        } else if (strcasecmp(line, "connection") == 0) {
            h->close |= strcasecmp(value, "close") == 0;
        } else if (strcasecmp(line, "expect") == 0) {
            return Bad;
        }
    }
    return r == Ok ? Bad : r;
}

static void release(struct body *b)
{
    free(b->bytes);
    atomic_fetch_sub(&held, b->capacity);
    b->bytes = NULL;
    b->length = b->capacity = 0;
}

static enum result reserve(struct body *b, size_t wanted)
{
    if (wanted <= b->capacity || b->discard)
        return Ok;
    size_t next = wanted < 2 * b->capacity ? 2 * b->capacity : wanted;
    if (atomic_fetch_add(&held, next - b->capacity) + next - b->capacity > MaxHeld) {
        atomic_fetch_sub(&held, next - b->capacity);
        return NoMemory;
    }
    char *bytes = realloc(b->bytes, next);
    if (!bytes) {
        atomic_fetch_sub(&held, next - b->capacity);
        return NoMemory;
    }
    b->bytes = bytes;
    b->capacity = next;
    return Ok;
}

static enum result read_bytes(struct stream *s, struct body *b, size_t count)
{
    if (count > b->limit - b->length)
        return TooLong;
    enum result r = reserve(b, b->length + count);
    while (r == Ok && count > 0) {
        if (s->start == s->end && (r = fill(s)) != Ok)
            break;
        size_t n = s->end - s->start < count ? s->end - s->start : count;
        if (!b->discard)
            memcpy(b->bytes + b->length, s->bytes + s->start, n);
        s->start += n;
        b->length += n;
        count -= n;
    }
    return r;
}

static enum result read_body(struct stream *s, const struct head *h, struct body *b)
{
    if (!h->chunked)
        return h->length > (int64_t)b->limit ? TooLong : read_bytes(s, b, h->length > 0 ? (size_t)h->length : 0);
    for (;;) {
        char line[MaxLine];
        enum result r = read_line(s, line);
        if (r != Ok)
            return r;
        /* Eight hexadecimal digits; extensions of a chunk are of no use here. */
        if (!*line || strlen(line) > 8 || strspn(line, "0123456789abcdefABCDEF") != strlen(line))
            return Bad;
        size_t size = strtoul(line, NULL, 16);
        r = read_bytes(s, b, size);
        if (r == Ok)
            r = read_line(s, line);
        if (r != Ok)
            return r;
        if (*line)
            return Bad;
        if (size == 0)
            return Ok;
    }
}

/* An open connection that the agent has not closed; -1 when the pool has none. */
static int take_pooled(void)
{
    int fd = -1;
    char byte;
    pthread_mutex_lock(&pool_lock);
    while (fd < 0 && pooled > 0) {
        fd = pool[--pooled];
        if (recv(fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN) {
            close(fd);
            fd = -1;
        }
    }
    pthread_mutex_unlock(&pool_lock);
    return fd;
}

static void give_back(int fd)
{
    pthread_mutex_lock(&pool_lock);
    if (pooled < MaxPool) {
        pool[pooled++] = fd;
        fd = -1;
    }
    pthread_mutex_unlock(&pool_lock);
    if (fd >= 0)
        close(fd);
}

static int connect_agent(int64_t deadline)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t left = deadline - now_ms();
    struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    if (fd < 0)
        return -1;
    /* It bounds connect, which waits while the queue of a frozen agent is full. Nothing of it may be zero: that is for ever. */
    if (left <= 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
        connect(fd, (struct sockaddr *)&agent_address, sizeof agent_address) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        int error = left <= 0 ? EAGAIN : errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* One question on one connection, which is closed or back in the pool afterwards. `heard`: a byte of an answer came. */
static enum result exchange(int fd, const struct body *question, struct body *answer, int64_t deadline, bool *heard)
{
    char request[160];
    int length = snprintf(request, sizeof request, "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: plimsoll\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", question->length);
    struct iovec parts[] = {{request, (size_t)length}, {question->bytes, question->length}};
    struct stream s = {.fd = fd, .deadline = deadline};
    struct head h;
    *heard = false;
    enum result r = send_all(fd, parts, 2, deadline);
    if (r == Ok)
        r = fill(&s);
    if (r == Ok) {
        *heard = true;
        r = read_head(&s, &h);
    }
    if (r == Ok && (strncmp(h.first, "HTTP/1.1 200", 12) != 0 || (h.first[12] != ' ' && h.first[12]) || (!h.chunked && h.length < 0)))
        r = Bad;
    if (r == Ok)
        r = read_body(&s, &h, answer);
    static const char begin[] = "{\"Allow\":";
    if (r == Ok && (s.start != s.end || answer->length < sizeof begin || memcmp(answer->bytes, begin, sizeof begin - 1) != 0 ||
        answer->bytes[answer->length - 1] != '}'))
        r = Bad;
    if (r == Ok && !h.close)
        give_back(fd);
    else
        close(fd);
    return r;
}

/* Returns null when `answer` holds the agent's, else why there is none. */
static const char *ask_agent(const struct body *question, struct body *answer, char why[static 128])
{
    /* The docker client asks half a dozen things in a row, and asks anew while the first waits; with a frozen agent they must not all
       wait as long. So the deadline counts from when the agent fell silent. Once a question ran out, those that follow at once are denied,
       and then each gets a tenth of the time, until one is answered. */
    int64_t now = now_ms(), tenth = deadline_ms / 10, late = atomic_load(&late_at), since = 0;
    bool shorten = deadline_ms > 1000;
    if (shorten && late && now - late < tenth)
        return "the agent let a question run out just now";
    if (atomic_compare_exchange_strong(&silent_since, &since, now))
        since = now;
    int64_t deadline = !shorten ? now + deadline_ms : since + deadline_ms > now + tenth ? since + deadline_ms : now + tenth;
    bool heard = false;
    enum result r = Closed;
    int fd = take_pooled();
    if (fd >= 0)
        r = exchange(fd, question, answer, deadline, &heard);
    if (fd < 0 || (r == Closed && !heard)) {
        /* None was open, or the agent closed it just then; a fresh one decides. */
        release(answer);
        fd = connect_agent(deadline);
        if (fd < 0) {
            bool full = errno == EAGAIN;
            snprintf(why, 128, "cannot connect to the agent: %s", full ? "it takes no connections" : strerror(errno));
            atomic_store(&late_at, full ? now_ms() : 0);
            if (!full)
                atomic_store(&silent_since, 0);
            return why;
        }
        r = exchange(fd, question, answer, deadline, &heard);
    }
    if (r != Late) {
        atomic_store(&late_at, 0);
        atomic_store(&silent_since, 0);
    } else if (atomic_load(&silent_since) == since) {
        /* Else it answered others meanwhile, and is only slow with this one. */
        atomic_store(&late_at, now_ms());
    }
    switch (r) {
    case Ok: return NULL;
    case Closed: return "the agent hung up without a whole answer";
    case Late: snprintf(why, 128, "no answer from the agent within %d ms", (int)(deadline - now)); return why;
    case TooLong: return "the agent's answer is longer than 64 KiB";
    case NoMemory: return "too many bytes of bodies are held at once";
    default: return "the agent answered something else than HTTP 200 and Allow";
    }
}

static bool reply(struct stream *s, const char *status, const char *json, size_t length, bool last)
{
    char head[192];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/vnd.docker.plugins.v1.2+json\r\nContent-Length: %zu\r\n%s\r\n",
        status, length, last ? "Connection: close\r\n" : "");
    struct iovec parts[] = {{head, (size_t)n}, {(char *)json, length}};
    return send_all(s->fd, parts, 2, now_ms() + RequestMs) == Ok && !last;
}

static bool deny(struct stream *s, const char *code, const char *text, bool last)
{
    char json[256];
    int n = snprintf(json, sizeof json, "{\"Allow\":false,\"Msg\":\"plimsoll: %s: %s\"}", code, text);
    return reply(s, "200 OK", json, (size_t)n, last);
}

/* One request; false when the connection ends with it. */
static bool serve(struct stream *s, bool crowded)
{
    static const char activate[] = "{\"Implements\":[\"authz\"]}", allow[] = "{\"Allow\":true}";
    struct head h;
    s->deadline = now_ms() + IdleMs;
    if (s->start == s->end && fill(s) != Ok)
        return false;
    s->deadline = now_ms() + RequestMs;
    enum result r = read_head(s, &h);
    enum { Activate, Request, Response, Unknown } what = Unknown;
    static const char *const firsts[] = {"POST /Plugin.Activate HTTP/1.1", "POST /AuthZPlugin.AuthZReq HTTP/1.1", "POST /AuthZPlugin.AuthZRes HTTP/1.1"};
    for (unsigned i = 0; r == Ok && i < Unknown; i++)
        if (strcmp(h.first, firsts[i]) == 0)
            what = i;
    struct body question = {.limit = MaxBody, .discard = what != Request || crowded}, answer = {.limit = MaxAnswer};
    if (r == Ok)
        r = read_body(s, &h, &question);
    bool last = h.close || crowded, more = false;
    char why[128];
    const char *reason;
    if (r == TooLong || r == NoMemory) {
        if (r == TooLong)
            deny(s, "request-too-long", "the request's body is longer than 8 MiB", true);
        else
            deny(s, "agent-not-ready", "too many bytes of bodies are held at once", true);
        /* A client in the middle of writing would otherwise see a broken connection in place of the answer. */
        for (s->deadline = now_ms() + DrainMs; fill(s) == Ok;)
            if (now_ms() >= s->deadline)
                break;
    } else if (r == Late) {
        deny(s, "request-slow", "the request was not whole within 10 s", true);
    } else if (r == Bad) {
        static const char bad[] = "{\"Err\":\"plimsoll: not HTTP/1.1 as Docker's plugin protocol has it\"}";
        reply(s, "400 Bad Request", bad, sizeof bad - 1, true);
    } else if (r == Ok && what == Activate) {
        more = reply(s, "200 OK", activate, sizeof activate - 1, last);
    } else if (r == Ok && what == Response) {
        /* What a request may do was decided before it ran. */
        more = reply(s, "200 OK", allow, sizeof allow - 1, last);
    } else if (r == Ok && what == Unknown) {
        static const char unknown[] = "{\"Err\":\"plimsoll: no such endpoint\"}";
        more = reply(s, "404 Not Found", unknown, sizeof unknown - 1, last);
    } else if (r == Ok && crowded) {
        deny(s, "agent-not-ready", "more than 256 connections are open", true);
    } else if (r == Ok) {
        reason = ask_agent(&question, &answer, why);
        /* One line for each change, not for each request. */
        if (atomic_exchange(&agent_failed, reason != NULL) != (reason != NULL))
            dprintf(STDERR_FILENO, "plimsoll-front: %s\n", reason ? reason : "the agent answers");
        more = reason ? deny(s, "agent-not-ready", reason, last) : reply(s, "200 OK", answer.bytes, answer.length, last);
    }
    release(&question);
    release(&answer);
    return more;
}

static void *converse(void *fd)
{
    struct stream s = {.fd = (int)(intptr_t)fd};
    bool crowded = atomic_load(&connections) > MaxConnections;
    while (serve(&s, crowded)) { }
    close(s.fd);
    atomic_fetch_sub(&connections, 1);
    return NULL;
}

static _Noreturn void die(int code, const char *what, const char *why)
{
    dprintf(STDERR_FILENO, "plimsoll-front: error: %s: %s\n", what, why);
    exit(code);
}

static void set_path(struct sockaddr_un *address, const char *path)
{
    if (*path != '/' || strlen(path) >= sizeof address->sun_path)
        die(2, path, "wanted an absolute path of at most 107 bytes");
    strcpy(address->sun_path, path);
}

static int listen_on(struct sockaddr_un *address)
{
    const char *path = address->sun_path;
    struct stat s;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (lstat(path, &s) == 0) {
        /* Only what a front that was killed left behind is removed. */
        if (!S_ISSOCK(s.st_mode))
            die(3, path, "exists and is no socket");
        int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(probe, (struct sockaddr *)address, sizeof *address) == 0 || errno != ECONNREFUSED)
            die(3, path, "another process listens there");
        close(probe);
        unlink(path);
    }
    umask(0177);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 512) < 0)
        die(3, path, strerror(errno));
    return fd;
}

/* Tells systemd that dockerd may start (Type=notify): a datagram to the socket that it names. */
static void notify_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    strcpy(address.sun_path, path);
    if (*path == '@')
        address.sun_path[0] = 0; /* an abstract name has no file */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        dprintf(STDERR_FILENO, "plimsoll-front: warning: %s: %s\n", path, strerror(errno));
    close(fd);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--listen") == 0)
            set_path(&listen_address, value);
        else if (strcmp(argv[i], "--agent") == 0)
            set_path(&agent_address, value);
        else if (strcmp(argv[i], "--deadline") == 0 && *value && strlen(value) < 6 && strspn(value, "0123456789") == strlen(value))
            deadline_ms = atoi(value);
        else
            die(2, argv[i], "usage: plimsoll-front --listen SOCKET --agent SOCKET [--deadline MS]");
    }
    if (!*listen_address.sun_path || !*agent_address.sun_path || deadline_ms < 10 || deadline_ms > 60000)
        die(2, "wanted two sockets and a deadline of 10 to 60000 ms", "usage: plimsoll-front --listen SOCKET --agent SOCKET [--deadline MS]");

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* whoever reads the messages may go */
    int stop = signalfd(-1, &signals, SFD_CLOEXEC);
    /* An arena for each thread, and freed bodies that stay, would be most of the memory. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 64 << 10);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, StackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int listener = listen_on(&listen_address);
    notify_ready();

    for (;;) {
        bool full = atomic_load(&connections) >= MaxThreads;
        struct pollfd p[] = {{.fd = stop, .events = POLLIN}, {.fd = full ? -1 : listener, .events = POLLIN}};
        poll(p, 2, full ? 10 : -1);
        if (p[0].revents)
            break;
        if (!p[1].revents)
            continue;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        pthread_t thread;
        if (fd < 0) {
            /* Out of descriptors: it passes when a connection ends. */
            if (errno != EAGAIN)
                poll(p, 1, 10);
            continue;
        }
        atomic_fetch_add(&connections, 1);
        if (pthread_create(&thread, &attributes, converse, (void *)(intptr_t)fd) != 0) {
            atomic_fetch_sub(&connections, 1);
            close(fd);
        }
    }
    unlink(listen_address.sun_path);
    return 0;
}
