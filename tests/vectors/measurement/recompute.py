"""Computes the vectors of docs/formats/measurement.md from the page's words alone, with hashlib.

usage: recompute.py            prints them as JSON, as vectors.json holds them
"""
import hashlib, json


def sha384(data):
    return "sha384:" + hashlib.sha384(data).hexdigest()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def raw(digest):
    return bytes.fromhex(digest.split(":")[1])


def measure(config, tars):
    layers, chain = [], None
    for tar in tars:
        diff, parent = sha256(tar), chain
        chain = diff if parent is None else sha256(f"{parent} {diff}".encode())
        text = f"plimsoll-layer-v1\nchain {chain}\ndiff {diff}\nparent {parent or 'none'}\nbytes {len(tar)}\n"
        m1, m2 = sha384(text.encode()), sha384(tar)
        layers.append({"metadata": text, "m1": m1, "m2": m2, "value": sha384(raw(m1) + raw(m2))})
    return {"config": sha256(config), "layers": layers, "value": sha384(b"".join(raw(l["value"]) for l in layers) + sha256(config).encode())}


if __name__ == "__main__":
    print(json.dumps([
        {"name": "no layers", **measure(b"{}", [])},
        {"name": "an empty tar", **measure(b"{}", [bytes(1024)])},
        {"name": "two layers", **measure(b'{"os":"linux"}', [bytes(1024), bytes(10240)])},
        {"name": "the same layer twice", **measure(b'{"os":"linux"}', [b"\x01" * 512 + bytes(1024)] * 2)},
    ], indent=1))
