#!/usr/bin/env python3
"""回执校验程序 / receipt verifier: proves that a record stands in the signed log as the receipt says.

    python3 verify_receipt.py --key PUBLIC-KEY receipt.json
    python3 verify_receipt.py --keys vkeys.txt receipt.json

只需要 Python 3.8 或更新版本，不联网，不安装任何东西；逐行可读。公钥请从可信来源取得（公告、旧文件），不要只听信给您回执的人。
Needs Python 3.8 or newer and nothing else: no network, no package. Take the public key from a source you trust, not from
whoever handed you the receipt.

退出码 exit status: 0 成立 proven · 1 不成立 refused · 2 用法或文件有误 usage
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys

RECEIPT, LEAF, SLOTS, LARGEST = "mall-journal-receipt/1", "mall-journal/1", 32, 262_144

REASONS = {
    "form": ("不是一份完整的回执", "this is not a whole receipt"),
    "key": ("公钥无法读取", "the public key cannot be read"),
    "checkpoint": ("检查点签名不成立：不是由给出的公钥签署，或签署后被改动", "the checkpoint is not signed by the given key, or was changed afterwards"),
    "leaf": ("叶子与其哈希不符：公开条目被改动", "the leaf is not the one that was hashed"),
    "proof": ("包含证明不成立：这一条不在检查点所签署的日志里", "the leaf is not in the log that the checkpoint signs"),
    "fields": ("公开字段与存证不符：字段、单号或版本被改动", "an opened field, the number or the version is not what was sealed"),
}


class Refused(Exception):
    """The receipt does not prove what it says; the first argument names the step that failed."""


# ---------------------------------------------------------------- Ed25519 (RFC 8032), verification only

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1


def add(a, b):
    """The sum of two points in extended coordinates."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """A point added to itself so many times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def unpacked(packed):
    """The point of its 32 bytes, or None."""
    y = int.from_bytes(packed, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def packed_point(point):
    """The 32 bytes of a point."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = unpacked(BASE_Y.to_bytes(32, "little"))


def signed(public, text, signature):
    """Whether the signature over the text is by this key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    point, s = unpacked(public), int.from_bytes(signature[32:], "little")
    if point is None or s >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    minus = (P - point[0], point[1], 1, P - point[3])
    return packed_point(add(times(s, BASE), times(challenge, minus))) == signature[:32]


# ---------------------------------------------------------------- the key and the checkpoint (C2SP signed-note, tlog-checkpoint)


def unbase64(text, why):
    try:
        plain = base64.b64decode(text.encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error, ValueError):
        raise Refused(why) from None
    if base64.b64encode(plain).decode() != text:  # the same bytes written otherwise
        raise Refused(why)
    return plain


def key_of(line):
    """Name, id, public key, and the largest size it may have signed (None: any) of a line "name+id+base64 [size]"."""
    vkey, _, until = line.strip().partition(" ")
    parts = vkey.split("+", 2)
    if len(parts) != 3 or not parts[0] or (until and not (until.isascii() and until.isdigit())):
        raise Refused("key")
    packed = unbase64(parts[2], "key")
    identity = hashlib.sha256(parts[0].encode() + b"\n" + packed).digest()[:4]
    if len(packed) != 33 or packed[0] != 1 or identity.hex() != parts[1]:
        raise Refused("key")
    return parts[0], identity, packed[1:], int(until) if until else None


def head_of(note, keys):
    """Origin, size and root that one of the keys has signed."""
    text, gap, signatures = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not gap or not signatures.endswith("\n") or len(lines) < 4 or any(ord(c) < 32 and c != "\n" for c in note):
        raise Refused("checkpoint")
    origin, digits, root = lines[0], lines[1], unbase64(lines[2], "checkpoint")
    if not (digits.isascii() and digits.isdigit()) or str(int(digits)) != digits or len(root) != 32:
        raise Refused("checkpoint")
    good = False
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise Refused("checkpoint")
        blob = unbase64(parts[2], "checkpoint")
        for name, identity, public, until in keys:
            if parts[1] == name and blob[:4] == identity:
                if not signed(public, text.encode(), blob[4:]):
                    raise Refused("checkpoint")
                good = good or (name == origin and (until is None or int(digits) <= until))
    if not good:
        raise Refused("checkpoint")
    return origin, int(digits), root


# ---------------------------------------------------------------- the tree (RFC 6962, RFC 9162 2.1.3.2)


def climbed(index, size, value, path):
    """The root that a leaf hash and its audit path lead to."""
    if not 0 <= index < size:
        raise Refused("proof")
    here, last = index, size - 1
    for step in path:
        if last == 0 or len(step) != 32:
            raise Refused("proof")
        if here & 1 or here == last:
            value = hashlib.sha256(b"\x01" + step + value).digest()
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + step).digest()
        here, last = here >> 1, last >> 1
    if last:
        raise Refused("proof")
    return value


# ---------------------------------------------------------------- the leaf and its opened fields


def shown_by(entry):
    """What the public leaf shows."""
    try:
        shown = json.loads(entry)
    except (ValueError, RecursionError):
        raise Refused("fields") from None
    if not isinstance(shown, dict) or set(shown) != {"root", "schema", "stream", "time", "type"} or shown["schema"] != LEAF:
        raise Refused("fields")
    if json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False) != entry:
        raise Refused("fields")
    return shown


def opened(receipt, shown):
    """The opened fields, each proved against the leaf."""
    slots = [unbase64(slot, "form") for slot in receipt["commitments"]]
    if len(slots) != SLOTS or hashlib.sha256(b"\x04" + b"".join(slots)).hexdigest() != shown["root"]:
        raise Refused("fields")
    fields = {}
    for opening in receipt["openings"]:
        slot, field, value, salt = opening["slot"], opening["field"], opening["value"], unbase64(opening["salt"], "form")
        name = field.encode()
        bound = b"\x02" + salt + len(name).to_bytes(2, "big") + name + value.encode()
        if type(slot) is not int or not 0 <= slot < SLOTS or hashlib.sha256(bound).digest() != slots[slot]:
            raise Refused("fields")
        if field == "@stream" and hashlib.sha256(b"\x05" + salt + json.loads(value).encode()).hexdigest() != shown["stream"]:
            raise Refused("fields")
        fields[field] = value
    for field, said in (("@stream", receipt["stream"]), ("@version", receipt["version"])):
        if field not in fields or json.loads(fields[field]) != said:
            raise Refused("fields")
    return fields


def verified(text, keys):
    """What a receipt proves: origin, size, the receipt, what its leaf shows, the opened fields. Raises Refused."""
    if len(text) > LARGEST:
        raise Refused("form")
    try:
        receipt = json.loads(text)
        if receipt["schema"] != RECEIPT or type(receipt["index"]) is not int or type(receipt["version"]) is not int:
            raise Refused("form")
        origin, size, root = head_of(receipt["checkpoint"], keys)
        leaf = hashlib.sha256(b"\x00" + receipt["entry"].encode()).digest()
        if receipt["leaf_hash"] != leaf.hex():
            raise Refused("leaf")
        if climbed(receipt["index"], size, leaf, [unbase64(step, "form") for step in receipt["proof"]]) != root:
            raise Refused("proof")
        shown = shown_by(receipt["entry"])
        return origin, size, receipt, shown, opened(receipt, shown)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
        raise Refused("form") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", action="append", default=[], help="公钥，一行文字 / public key, a line of text")
    parser.add_argument("--keys", help="公钥文件，每行一把 / file with a key a line")
    parser.add_argument("receipt", help="回执文件，- 为标准输入 / receipt, - for standard input")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        lines = list(given.key)
        if given.keys:
            with open(given.keys, encoding="utf-8") as file:
                lines += [line for line in file if line.strip()]
        if given.receipt == "-":
            text = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with open(given.receipt, "rb") as file:
                text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        print("文件无法读取 / cannot be read:", error, file=sys.stderr)
        return 2
    if not lines:
        parser.error("给出公钥 --key 或 --keys / give a public key")
    try:
        origin, size, receipt, shown, fields = verified(text.decode("utf-8", "strict"), [key_of(line) for line in lines])
    except (Refused, UnicodeDecodeError) as refused:
        why = refused.args[0] if isinstance(refused, Refused) else "form"
        print("不成立 REFUSED:", *REASONS[why], sep="\n  ", file=sys.stderr)
        return 1
    print("成立 PROVEN")
    print(f"  日志 log           {origin}，共 {size} 条 entries")
    print(f"  位置 index         {receipt['index']}")
    print(f"  单号 number        {receipt['stream']}，第 {receipt['version']} 步 step")
    print(f"  写入时间 time      {shown['time']}")
    print(f"  叶子哈希 leaf hash {receipt['leaf_hash']}")
    print("  公开字段 opened fields")
    for name, value in fields.items():
        print(f"    {name} = {value}")
    print("它证明这条记录在这份签署的日志里，未被改动；要证明别人看到的是同一份日志，请把检查点与他人保存的对照。")
    print("This proves the record in this signed log. Compare the checkpoint with what others keep: that shows they see the same log.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
