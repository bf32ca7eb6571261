/*
 * plimsoll-launcher: Docker calls it as an OCI runtime. It asks plimsoll-agent whether a container may be made, and then becomes
 * the real runtime. Whatever it does not understand it refuses. docs/formats/gate-protocol.md describes all it reads and writes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
enum {
    SilenceMs = 5000,       /* the agent says `wait` once a second while it measures; five missed ones mean that it is stuck */
    DefaultDeadline = 300,  /* seconds; an image of 60 GB is measured in that time */
    MaxDeadline = 3600,
    MaxConfiguration = 16384,
    MaxArguments = 64,
    MaxId = 1024,           /* the longest that runc takes */
    MaxDenial = 1000,       /* bytes of an agent's text */
};

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
static const char *log_path, *log_format, *bundle, *rootless, *ignored;
static const char *runtime, *agent_socket, *arguments[MaxArguments];
static int argument_count, deadline = DefaultDeadline;
static bool has_stderr;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Refuses. containerd shows the last line of the log whose level is error in `docker run`'s own message. `text` is printable. */
static _Noreturn void refuse(const char *text)
{
    char escaped[2 * (MaxDenial + PATH_MAX) + 1], line[sizeof escaped + 128], when[32];
    size_t n = 0;
    for (const char *p = text; *p && n < sizeof escaped - 3; p++) {
        if (*p == '"' || *p == '\\')
            escaped[n++] = '\\';
        escaped[n++] = *p;
    }
    escaped[n] = 0;
    signal(SIGPIPE, SIG_IGN);
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    bool json = log_format && strcmp(log_format, "json") == 0;
    int length = snprintf(line, sizeof line, json ? "{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"%s\"}\n"
                                                  : "level=error msg=\"%s\" time=\"%s\"\n", escaped, when);
    /* Not blocking, or a pipe that nobody reads would hold the daemon's call for ever. */
    int log = log_path ? open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644) : -1;
    bool logged = log < 0 || write(log, line, (size_t)length) == length;
    if (has_stderr)
        dprintf(STDERR_FILENO, "%s%s\n", text, logged ? "" : " (the log could not be written)");
    _exit(1);
}

/* Refuses with a code of the launcher's own. Arguments of the caller stand in the text, so odd bytes are taken out. */
__attribute__((format(printf, 2, 3))) static _Noreturn void deny(const char *code, const char *format, ...)
{
    char text[MaxDenial + PATH_MAX];
    int n = snprintf(text, sizeof text, "plimsoll: %s: ", code);
    va_list values;
    va_start(values, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, values);
    va_end(values);
    for (char *p = text; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    refuse(text);
}

/* Whether a text is UTF-8 without control characters: a newline in a path would forge lines of the protocol. */
static bool is_printable(const char *text)
{
    static const uint32_t least[] = {0x20, 0xa0, 0x800, 0x10000};
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c = *p++;
        int more = c < 0x7f ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
        if (more < 0)
            return false;
        c &= more > 0 ? 0x3fu >> more : 0x7f;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            c = c << 6 | (*p & 0x3f);
        }
        if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c == 0x2028 || c == 0x2029)
            return false;
    }
    return true;
}

/* The configuration decides which program runs as root: nobody else may have written it, nor put it there. */
static void require_ours(int fd, mode_t kind, const char *what)
{
    struct stat s;
    if (fd < 0 || fstat(fd, &s) < 0)
        deny("launcher-configuration", "%s: %s", what, strerror(errno));
    if ((s.st_mode & S_IFMT) != kind)
        deny("launcher-configuration", "%s is no regular file", what);
    if ((s.st_uid != 0 && s.st_uid != geteuid()) || (s.st_mode & (S_IWGRP | S_IWOTH)))
        deny("launcher-configuration", "%s has owner %u and mode %04o, wanted 0 and no writing by others", what, s.st_uid, s.st_mode & 07777);
}

static void read_configuration(const char *name)
{
    static char text[MaxConfiguration];
    char folder[PATH_MAX], file[NAME_MAX + 1];
    if (!*name || *name == '.' || strspn(name, NAME_BYTES) != strlen(name) || strlen(name) > 64)
        deny("launcher-configuration", "called by the name '%.80s'; wanted 1 to 64 letters, digits, '.', '_' and '-'", name);
    snprintf(file, sizeof file, "%s.conf", name);
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder);
    if (n <= 0 || n == sizeof folder)
        deny("launcher-configuration", "/proc/self/exe: %s", strerror(n < 0 ? errno : ENAMETOOLONG));
    folder[n] = 0;
    strrchr(folder, '/')[1] = 0;
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require_ours(directory, S_IFDIR, folder);
    int fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    require_ours(fd, S_IFREG, file);
    ssize_t length = read(fd, text, sizeof text);
    if (length < 0 || length == sizeof text || memchr(text, 0, (size_t)length) || (length > 0 && text[length - 1] != '\n'))
        deny("launcher-configuration", "%s is no text of whole lines below %d bytes", file, MaxConfiguration);
    char *rest = text, *line;
    for (int number = 1; *rest && (line = strsep(&rest, "\n")); number++) {
        char *value = line, *key = strsep(&value, " ");
        bool ok = value && *value;
        if (ok && strcmp(key, "runtime") == 0)
            ok = !runtime && *(runtime = value) == '/';
        else if (ok && strcmp(key, "socket") == 0)
            ok = !agent_socket && *(agent_socket = value) == '/' && strlen(value) < sizeof((struct sockaddr_un *)0)->sun_path;
        else if (ok && strcmp(key, "argument") == 0 && argument_count < MaxArguments)
            arguments[argument_count++] = value;
        else if (ok && strcmp(key, "deadline") == 0)
            ok = strspn(value, "0123456789") == strlen(value) && strlen(value) < 6 && (deadline = atoi(value)) > 0 && deadline <= MaxDeadline;
        else
            ok = false;
        if (!ok)
            deny("launcher-configuration", "%s line %d is not as docs/formats/gate-protocol.md says", file, number);
    }
    if (!runtime || !agent_socket)
        deny("launcher-configuration", "%s names no %s", file, runtime ? "socket" : "runtime");
}

static _Noreturn void become_runtime(int argc, char **argv)
{
    const char *all[argc + MaxArguments + 2];
    all[0] = runtime;
    memcpy(all + 1, arguments, sizeof *all * (size_t)argument_count);
    memcpy(all + 1 + argument_count, argv + 1, sizeof *all * (size_t)argc); /* with the null behind the last */
    execve(runtime, (char **)all, environ);
    deny("runtime-not-started", "%s: %s", runtime, strerror(errno));
}

struct option { const char *name, **value; }; /* without a value: a switch */
static const struct option global_options[] = {{"root", &ignored}, {"log", &log_path}, {"log-format", &log_format}, {"criu", &ignored},
    {"rootless", &rootless}, {"systemd-cgroup", NULL}, {"debug", NULL}, {"help", NULL}, {"h", NULL}, {"version", NULL}, {"v", NULL}, {NULL, NULL}};
#define CREATE_OPTIONS {"bundle", &bundle}, {"b", &bundle}, {"console-socket", &ignored}, {"pid-file", &ignored}, {"no-pivot", NULL}
static const struct option create_options[] = {CREATE_OPTIONS, {"no-new-keyring", NULL}, {"preserve-fds", &ignored}, {NULL, NULL}};
static const struct option run_options[] = {CREATE_OPTIONS, {"no-new-keyring", NULL}, {"preserve-fds", &ignored}, {"detach", NULL}, {"d", NULL},
    {"keep", NULL}, {"no-subreaper", NULL}, {NULL, NULL}};
static const struct option restore_options[] = {CREATE_OPTIONS, {"detach", NULL}, {"d", NULL}, {"no-subreaper", NULL}, {"image-path", &ignored},
    {"work-path", &ignored}, {"tcp-established", NULL}, {"ext-unix-sk", NULL}, {"shell-job", NULL}, {"file-locks", NULL},
    {"manage-cgroups-mode", &ignored}, {"empty-ns", &ignored}, {"auto-dedup", NULL}, {"lazy-pages", NULL}, {"lsm-profile", &ignored},
    {"lsm-mount-context", &ignored}, {NULL, NULL}};
static const struct { const char *name; const struct option *options; } verbs[] = { /* without options: of no concern to the gate */
    {"create", create_options}, {"run", run_options}, {"restore", restore_options}, {"checkpoint", NULL}, {"delete", NULL}, {"events", NULL},
    {"exec", NULL}, {"features", NULL}, {"help", NULL}, {"kill", NULL}, {"list", NULL}, {"pause", NULL}, {"ps", NULL}, {"resume", NULL},
    {"spec", NULL}, {"start", NULL}, {"state", NULL}, {"update", NULL}};

/* Reads options as Go's flag package does: one dash or two, `x=y` or `x y`. Returns where the first word that is none stands. */
static int read_options(char **argv, int i, const struct option *known)
{
    for (; argv[i] && argv[i][0] == '-'; i++) {
        const char *name = argv[i] + 1 + (argv[i][1] == '-');
        size_t length = strcspn(name, "=");
        const struct option *o = known;
        while (o->name && (strlen(o->name) != length || memcmp(o->name, name, length) != 0))
            o++;
        if (!o->name)
            deny("launcher-arguments", "unknown option '%.80s'", argv[i]);
        if (!o->value)
            continue;
        /* Runtimes differ in which of two they take. */
        if (o->value == &bundle && bundle)
            deny("launcher-arguments", "the bundle is named twice");
        if (!name[length] && !argv[++i])
            deny("launcher-arguments", "option '%.80s' lacks its value", argv[i - 1]);
        *o->value = name[length] ? name + length + 1 : argv[i];
    }
    return i;
}

/* Returns when the agent allows. */
static void ask_agent(const char *name, const char *verb, const char *id, const char *path)
{
    const int64_t start = now_ms(), end = start + deadline * 1000LL;
    int64_t heard = start;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, agent_socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* It bounds connect as well, which waits while the queue of a frozen agent is full. */
    struct timeval silence = {.tv_sec = SilenceMs / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        deny("agent-unreachable", "%s: %s; systemctl status plimsoll-agent says more", agent_socket, strerror(errno));
    struct ucred peer = {.uid = UINT_MAX};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || (peer.uid != 0 && peer.uid != geteuid()))
        deny("agent-unreachable", "%s is served by user %u, wanted 0", agent_socket, peer.uid);
    char request[PATH_MAX + MaxId + 256];
    int length = snprintf(request, sizeof request, "plimsoll-gate 1\n%s\n%s\n%s\n%s\n\n", verb, name, id, path);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        deny("agent-unreachable", "%s: %s", agent_socket, strerror(errno));

    char line[sizeof "deny \n" - 1 + MaxDenial];
    size_t have = 0;
    for (;;) {
        char *newline = memchr(line, '\n', have);
        if (newline) {
            *newline = 0;
            size_t rest = have - (size_t)(newline + 1 - line);
            if (strcmp(line, "wait") == 0 && newline == line + 4) {
                memmove(line, newline + 1, rest);
                have = rest;
                heard = now_ms();
                continue;
            }
            bool whole = rest == 0 && strlen(line) == (size_t)(newline - line);
            if (whole && strcmp(line, "allow") == 0)
                return; /* the socket closes itself with the exec */
            if (whole && strncmp(line, "deny ", 5) == 0 && is_printable(line + 5))
                refuse(line + 5);
        }
        if (newline || have == sizeof line)
            deny("agent-answer", "the agent's answer is none of wait, allow and deny");
        int64_t now = now_ms(), left = (heard + SilenceMs < end ? heard + SilenceMs : end) - now;
        if (now >= end)
            deny("agent-deadline", "the agent measured for longer than %d s", deadline);
        if (left <= 0)
            deny("agent-silent", "nothing heard of the agent for %d s", SilenceMs / 1000);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        poll(&wait, 1, (int)left);
        ssize_t n = recv(fd, line + have, sizeof line - have, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            deny("agent-closed", "the agent hung up without an answer");
        have += n > 0 ? (size_t)n : 0;
    }
}

int main(int argc, char **argv)
{
    has_stderr = fcntl(STDERR_FILENO, F_GETFD) >= 0;
    const char *name = argc < 1 ? "" : strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    int at = read_options(argv, argc < 1 ? 0 : 1, global_options);
    /* After the options, so that what is wrong with it reaches the log that they name. */
    read_configuration(name);
    /* To runsc it is a switch, and the word behind it then the verb. */
    if (rootless && strcmp(rootless, "true") != 0 && strcmp(rootless, "false") != 0 && strcmp(rootless, "auto") != 0)
        deny("launcher-arguments", "--rootless is '%.80s', wanted true, false or auto", rootless);
    if (!argv[at])
        become_runtime(argc, argv); /* which shows its help or version */
    size_t verb = 0;
    while (verb < sizeof verbs / sizeof *verbs && strcmp(verbs[verb].name, argv[at]) != 0)
        verb++;
    if (verb == sizeof verbs / sizeof *verbs)
        deny("launcher-arguments", "unknown verb '%.80s'", argv[at]);
    if (verbs[verb].options) {
        at = read_options(argv, at + 1, verbs[verb].options);
        const char *id = argv[at];
        /* Some runtimes look for options behind the id too, where this program does not. */
        if (!id || argv[at + 1])
            deny("launcher-arguments", "wanted one container id after the options of %s", verbs[verb].name);
        if (!*id || strlen(id) > MaxId || strspn(id, NAME_BYTES "+,") != strlen(id))
            deny("launcher-arguments", "'%.80s' is no container id", id);
        char path[PATH_MAX];
        if (!realpath(bundle ? bundle : ".", path))
            deny("launcher-arguments", "the bundle '%.200s': %s", bundle ? bundle : ".", strerror(errno));
        if (!is_printable(path))
            deny("launcher-arguments", "the bundle's path '%.200s' has bytes that are not printable UTF-8", path);
        ask_agent(name, verbs[verb].name, id, path);
    }
    become_runtime(argc, argv);
}
