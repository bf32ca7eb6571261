#!/usr/bin/env python3
"""Writes a docker-save archive of one layer with many small files. usage: many_files.py FILE [COUNT]

Default 3 000 000 files of up to 8 bytes, 2000 to a folder, beside an os-release and a dpkg status of three packages, so that a
scan has something to find. The headers are written by hand, since tarfile needs minutes for as many. The output is the same each time.
"""
import hashlib, json, os, sys

FOLDER_FILES = 2000
STATUS = "".join(
    f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nMaintainer: nobody\nDescription: {name}\n\n"
    for name, version in (("openssl", "1.1.1n-0+deb11u3"), ("zlib1g", "1:1.2.11.dfsg-2"), ("bash", "5.1-2+deb11u1"))).encode()
RELEASE = b'ID=debian\nVERSION_ID="11"\nVERSION_CODENAME=bullseye\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n'


def header(name, size, kind=b"0"):
    """A ustar header block: 512 bytes, checksum over the block with the checksum field as spaces."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000755\0" if kind == b"5" else b"0000644\0"
    block[108:124] = b"0000000\0" * 2
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b"        "
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entry(name, data):
    return header(name, len(data)) + data + bytes(-len(data) % 512)


def layer(count):
    """The layer's bytes in pieces of about 2 MB."""
    yield entry(b"etc/os-release", RELEASE) + entry(b"var/lib/dpkg/status", STATUS)
    template = header(b"srv/0000/00000000", 8)
    base = sum(template) - sum(template[148:156]) + 8 * 32 - sum(template[0:17])
    before, middle, after = template[17:148], template[156:], bytes(504)
    for first in range(0, count, FOLDER_FILES):
        folder = b"srv/%04d" % (first // FOLDER_FILES)
        piece = [header(folder + b"/", 0, b"5")]
        for i in range(first, min(first + FOLDER_FILES, count)):
            data = b"%08d" % i
            name = folder + b"/" + data
            piece += (name, before, b"%06o\0 " % (base + sum(name)), middle, data, after)
        yield b"".join(piece)
    yield bytes(1024)


def main():
    path, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3_000_000
    digest, size = hashlib.sha256(), 0
    with open(path + ".part", "wb") as out:
        out.write(bytes(512))  # the layer's header, once its size is known
        for piece in layer(count):
            digest.update(piece)
            out.write(piece)
            size += len(piece)
        out.write(bytes(-size % 512))
        config = json.dumps({"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]},
                             "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "COPY srv /srv"}]}).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        manifest = json.dumps([{"Config": name, "RepoTags": ["plimsoll/many:1"], "Layers": ["layer/layer.tar"]}]).encode()
        out.write(entry(name.encode(), config) + entry(b"manifest.json", manifest) + bytes(1024))
        out.seek(0)
        out.write(header(b"layer/layer.tar", size))
    os.rename(path + ".part", path)


main()
