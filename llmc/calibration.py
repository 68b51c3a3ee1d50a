"""Which threshold keeps a promise, and how sure is that? Limits of shares that were counted.

It never promises less error than was shown: where too little was counted, it says nothing.
"""

from __future__ import annotations

import math

__all__ = ["wilson"]


def wilson(wrong: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the limits of a share by Wilson's score interval; (0, 1) where nothing was counted."""
    if n <= 0:
        return 0.0, 1.0
    share = wrong / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
