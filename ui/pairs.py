"""Bytes as text in a page: pairs of characters of 13 bits each, 8 % shorter than base64.

ui/core/files.js reads them.
"""

LETTERS = [chr(code) for code in range(33, 125) if chr(code) != "<"]  # 91; "<" could end an element


def to_pairs(content: bytes) -> str:
    """Return `content` as text, its bits from the lowest; a last pair of at most 6 is one letter.

    So no bits are left over for another byte.
    """
    pairs, bits, count = [], 0, 0
    for byte in content:
        bits |= byte << count
        count += 8
        if count >= 13:
            high, low = divmod(bits & 8191, 91)
            pairs.append(LETTERS[low] + LETTERS[high])
            bits >>= 13
            count -= 13
    high, low = divmod(bits, 91)
    rest = LETTERS[low] + LETTERS[high]
    return "".join(pairs) + rest[: 0 if count == 0 else 1 if count <= 6 else 2]
