"""The MT5 Web API's challenge, written a second time from its description, stdlib only."""

import hashlib
import struct


def stored_hash(password: str) -> str:
    """Return MD5(MD5(UTF-16LE(password)) + "WebAPI") in hex, encoding the text unit by unit."""
    encoded = b""
    for character in password:
        point = ord(character)
        if point < 0x10000:
            encoded += struct.pack("<H", point)
        else:
            point -= 0x10000
            encoded += struct.pack("<HH", 0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF))
    digest = hashlib.new("md5", encoded).digest()
    return hashlib.new("md5", digest + bytes([0x57, 0x65, 0x62, 0x41, 0x50, 0x49])).hexdigest()


def answer(password: str, random_hex: str) -> str:
    """Return the proof of the password for a challenge of 16 bytes in hex."""
    digest = hashlib.new("md5")
    digest.update(bytes.fromhex(stored_hash(password)))
    digest.update(bytes(int(random_hex[i : i + 2], 16) for i in range(0, 32, 2)))
    return digest.hexdigest()
