"""docker run through the gate beside an ungated dockerd, cold starts beside the floor of hashing, and the plugin's own answers

usage: ./bench gate [--pairs N] [--no-build]        default: 120 pairs; --no-build takes what was built before
Two dockerds of the same kind, one with launcher, front and agent, run the same container in turn; a second ungated run in each round is the A/A
ratio, and the gated one is set against both. A median of 40 is right to some 2 %, one of 120 to 1 %. Needs root, docker.io, gcc, busybox-static. Exit code 0 when it ran, 1 when it failed; a goal that is not met is said, not failed.
"""
import argparse, glob, json, os, shutil, socket, subprocess, sys, tempfile, time
from bench_scan import CACHE, ROOT, Failed, step
from measure import end, median

P50_GOAL, P95_GOAL, PLAIN_GOAL, LOOKUP_GOAL, COLD_GOAL, RSS_GOAL = 1.05, 1.15, 0.001, 0.010, 0.8, 120
COLD_RUNS = 11
FLOOR = f"{ROOT}/artifacts/bin/Plimsoll.Floor/release/Plimsoll.Floor"
IMAGE = "registry.example/prod/bench:1"
LIMITS = ["--rm", "--network", "none", "--memory", "64m", "--cpus", "1", "--pids-limit", "64"]
POLICY = """policy: 1
name: bench
trust:
  keys: {release: {file: release.pub}}
  images:
  - names: ["registry.example/prod/**"]
    signatures: {keys: [release], match: any}
    inspection: none
    measurement: required
    overridden: ignore
start: default
"""


class Daemon:
    """A dockerd of our own, ended by its id."""
    def __init__(self, folder, *more):
        self.folder, self.host = folder, f"unix://{folder}/s"
        os.makedirs(folder, exist_ok=True)
        self.log = open(f"{folder}/log", "w")
        self.process = subprocess.Popen(["dockerd", "--data-root", f"{folder}/d", "--exec-root", f"{folder}/x", "--pidfile", f"{folder}/pid", "-H", self.host, "--storage-driver", "overlay2",
            "--bridge", "none", "--iptables=false", "--ip6tables=false", *more], stdout=self.log, stderr=self.log)

    def wait(self):
        for _ in range(300):
            if subprocess.run(["docker", "-H", self.host, "version"], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise Failed(f"dockerd did not come up: {self.folder}/log")

    def docker(self, *arguments, stdin=None):
        done = subprocess.run(["docker", "-H", self.host, *arguments], capture_output=True, text=True, stdin=stdin)
        if done.returncode:
            raise Failed(f"docker {' '.join(arguments[:2])}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def run(self):
        begin = time.perf_counter()
        self.docker("run", *LIMITS, IMAGE)
        return time.perf_counter() - begin

    def stop(self):
        end(self.process)


def image(daemon, work):
    """busybox and four layers of 25 MB, which a cold start has to read."""
    context = f"{work}/context"
    os.makedirs(context)
    shutil.copy("/bin/busybox", f"{context}/busybox")
    lines = ["FROM scratch", "COPY busybox /bin/busybox", "COPY busybox /bin/true"]
    for layer in range(4):
        os.makedirs(f"{context}/{layer}")
        for i in range(25):
            with open(f"{context}/{layer}/{i}", "wb") as f:
                f.write(os.urandom(1 << 20))
        lines.append(f"COPY {layer} /srv/{layer}")
    with open(f"{context}/Dockerfile", "w") as f:
        f.write("\n".join([*lines, 'CMD ["/bin/true"]', ""]))
    done = subprocess.run(["docker", "-H", daemon.host, "build", "-q", "-t", IMAGE, context], capture_output=True, text=True, env=dict(os.environ, DOCKER_BUILDKIT="0"))
    if done.returncode:
        raise Failed(f"docker build: {done.stderr.strip()[-300:]}")


def decisions(state, kind, endpoint=None, since=0):
    """How long decisions took by the evidence log, from its line `since` on; seconds."""
    found = []
    for path in sorted(glob.glob(f"{state}/log/evidence-*.jsonl")):
        for line in map(json.loads, open(path)):
            if line["sequence"] >= since and line["kind"] == kind and (endpoint is None or line["fields"]["endpoint"] == endpoint):
                found.append(line["fields"]["micros"] / 1e6)
    return found


def last(state):
    return max(json.loads(line)["sequence"] for path in glob.glob(f"{state}/log/evidence-*.jsonl") for line in open(path))


def ask(path):
    """One question to the front, as dockerd puts it; bytes."""
    body = json.dumps({"User": "", "UserAuthNMethod": "", "RequestMethod": "GET", "RequestUri": path, "RequestHeaders": {}}).encode()
    return b"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: p\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def questions(front, text, count):
    """How long each answer took, one after the other on one connection; seconds."""
    times = []
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(front)
        for _ in range(count):
            begin = time.perf_counter()
            s.sendall(text)
            got = b""
            while b"\r\n\r\n" not in got or not got.endswith(b"}"):
                part = s.recv(65536)
                if not part:
                    raise Failed("the front closed")
                got += part
            times.append(time.perf_counter() - begin)
            if b'"Allow":true' not in got:
                raise Failed(f"denied: {got[-200:]}")
    return times


def p95(values):
    return sorted(values)[int(len(values) * 0.95)]


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(prog="./bench gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=120)
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("bench: error: dockerd needs root")
    os.makedirs(CACHE, exist_ok=True)
    started, name = [], f"plimsoll-bench-{os.getpid()}"
    published = f"{ROOT}/artifacts/publish/linux-{'arm64' if os.uname().machine == 'aarch64' else 'x64'}"
    try:
        with tempfile.TemporaryDirectory(dir="/tmp", prefix="plimsoll-gate-") as work:
            if not options.no_build:
                step("publishing", f"{ROOT}/publish", "--agent")
                step("building the floor", "dotnet", "build", f"{ROOT}/benchmarks/Plimsoll.Floor", "-c", "Release", "-v", "quiet", "--nologo")
            lib, run, state = f"{work}/lib", f"{work}/run", f"{work}/state"
            for folder in (lib, run, state, f"{state}/evidence"):
                os.makedirs(folder, mode=0o700)
            shutil.copy(f"{published}/plimsoll-launcher", f"{lib}/plimsoll")
            with open(f"{lib}/plimsoll.conf", "w") as conf:
                conf.write(f"runtime {shutil.which('runc', path='/usr/sbin:/usr/bin')}\nsocket {run}/gate.sock\ndeadline 120\n")
            front = f"/run/docker/plugins/{name}.sock"
            os.makedirs(os.path.dirname(front), exist_ok=True)
            try:
                def start_agent(*more):
                    if os.path.exists(f"{run}/plugin.sock"):
                        os.remove(f"{run}/plugin.sock")
                    agent = subprocess.Popen([f"{published}/plimsoll-agent", "run", "--state", state, "--run", run, "--data-root", f"{work}/g/d", "--docker", f"{work}/g/s", *more],
                        stderr=open(f"{work}/agent.log", "a"), env=dict(os.environ, DOTNET_GCgen0size="0x400000"))  # as its systemd unit sets it
                    started.append(agent)
                    while not os.path.exists(f"{run}/plugin.sock"):
                        time.sleep(0.05)
                    return agent
                agent = start_agent()
                started.append(subprocess.Popen([f"{published}/plimsoll-front", "--listen", front, "--agent", f"{run}/plugin.sock"]))
                while not os.path.exists(front):
                    time.sleep(0.05)
                gated = Daemon(f"{work}/g", "--add-runtime", f"plimsoll={lib}/plimsoll", "--default-runtime", "plimsoll", "--authorization-plugin", name)
                plain = Daemon(f"{work}/p")
                try:
                    plain.wait()
                    image(plain, work)
                    plain.docker("save", "-o", f"{work}/saved.tar", IMAGE)
                    # The same image in both, signed by the product's own commands.
                    env = dict(os.environ, PLIMSOLL_HOME=f"{work}/home", PLIMSOLL_PASSPHRASE="bench", DOCKER_HOST=plain.host)
                    ours = f"{published}/plimsoll"
                    step("signing", ours, "key", "generate", "release", env=env)
                    step("signing", ours, "key", "export", "release", "--public", "-o", f"{work}/release.pub", env=env)
                    with open(f"{work}/p.yaml", "w") as f:
                        f.write(POLICY)
                    step("signing", ours, "sign", f"docker:{IMAGE}", "--key", "release", "-o", f"{state}/evidence/bench.bundle", "--override", "a benchmark", env=env)
                    step("signing", ours, "policy", "sign", f"{work}/p.yaml", "--key", "release", "-o", f"{state}/policy.json", env=env)
                    shutil.copy(f"{work}/release.pub", f"{state}/policy.pub")
                    gated.wait()
                    gated.docker("load", "-q", "-i", f"{work}/saved.tar")
                    time.sleep(2)
                    rows = [[], [], []]
                    for turn in range(options.pairs + 2):
                        # Each round in another order, so that none always follows the same.
                        order = [(0, plain), (1, gated), (2, plain)]
                        for at, daemon in order[turn % 3:] + order[:turn % 3]:
                            seconds = daemon.run()
                            if turn >= 2:
                                rows[at].append(seconds)
                    a, g, aa = rows
                    simple = questions(front, ask("/v1.41/containers/json"), 1000)
                    memory = rss(agent.pid)
                    lookup = decisions(state, "request-allowed", "POST /containers/{name}/start")[2:]
                    size = sum(layer["bytes"] for layer in json.loads(subprocess.run([ours, "measure", "--no-store", "--json", f"docker-archive:{work}/saved.tar"], capture_output=True, env=env).stdout)
                        ["images"][0]["measurement"]["layers"])
                    # Every start reads every layer from here on.
                    agent.terminate()
                    agent.wait()
                    start_agent("--measure-every", "0")
                    gated.wait()
                    begin, floors = last(state), []
                    for _ in range(COLD_RUNS):
                        gated.run()
                        floors.append(float(subprocess.run([FLOOR, "--measure", str(size), str(os.cpu_count())], capture_output=True, check=True).stdout))
                    cold = decisions(state, "start-allowed", since=begin)
                finally:
                    gated.stop()
                    plain.stop()
            finally:
                for process in started:
                    process.terminate()
                    process.wait()
                if os.path.exists(front):
                    os.remove(front)
    except (Failed, FileNotFoundError) as cause:
        sys.exit(f"bench: error: {cause}")
    print(f"\ndocker run of an image of 100 MB in seven layers, warm verdict, {len(a)} rounds in turn")
    print(f"  ungated p50 {median(a) * 1000:.0f} ms, p95 {p95(a) * 1000:.0f} ms; again ungated (A/A) p50 {median(aa) / median(a):.3f}x, p95 {p95(aa) / p95(a):.3f}x")
    for text, ratio, goal in (("p50", median(g) / median(a + aa), P50_GOAL), ("p95", p95(g) / p95(a + aa), P95_GOAL)):
        print(f"  gated {text} {ratio:.3f}x of ungated, goal {goal:.2f}x: {'met' if ratio <= goal else 'NOT MET'}")
    print(f"the plugin's answer without a look-up, through the front, 1000 in turn: p50 {median(simple) * 1e6:.0f} us, p95 {p95(simple) * 1e6:.0f} us, goal {PLAIN_GOAL * 1e6:.0f} us: {'met' if median(simple) <= PLAIN_GOAL else 'NOT MET'}")
    print(f"  with a look-up in the daemon (start), by the evidence log: p50 {median(lookup) * 1e3:.1f} ms, p95 {p95(lookup) * 1e3:.1f} ms, goal {LOOKUP_GOAL * 1e3:.0f} ms: {'met' if p95(lookup) <= LOOKUP_GOAL else 'NOT MET'}")
    ratio = median(floors) / median(cold)
    print(f"cold start of {size / 1e6:.0f} MB, {len(cold)} in turn: the gate {median(cold) * 1e3:.0f} ms ({min(cold) * 1e3:.0f}-{max(cold) * 1e3:.0f}), both hashes over the same bytes in memory {median(floors) * 1e3:.0f} ms"
        f" ({min(floors) * 1e3:.0f}-{max(floors) * 1e3:.0f}): floor/ours {ratio:.2f}, goal {COLD_GOAL}: {'met' if ratio >= COLD_GOAL else 'NOT MET'}")
    print(f"the agent: {memory:.0f} MB resident, goal {RSS_GOAL} MB: {'met' if memory <= RSS_GOAL else 'NOT MET'}")


if __name__ == "__main__":
    main()
