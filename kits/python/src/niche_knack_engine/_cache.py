from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, Dict, NamedTuple, Optional

from ._errors import invalid
from ._rpc import Method, Params
from ._wire import encode

LIMIT_BYTES = 64 * 1024 * 1024


class _Entry(NamedTuple):
    value: Any
    expires_at: Optional[float]
    size: int


class Cache:
    """Values by key, in memory: ``cache.*`` of the app, and the engine's own. The least recently used leaves for space."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._entries: "OrderedDict[str, _Entry]" = OrderedDict()  # in the order of their last use

    def get(self, key: str) -> Dict[str, Any]:
        """``{"found": True, "value": …}``, with ``expiresAt`` where it expires, or ``{"found": False}``."""
        with self._lock:
            entry = self._live(key)
            if entry is None:
                return {"found": False}
            self._entries.move_to_end(key)
            found = {"found": True, "value": entry.value}
            return found if entry.expires_at is None else {**found, "expiresAt": int(entry.expires_at)}

    def set(self, key: str, value: Any, ttl: Optional[float] = None) -> Dict[str, Any]:
        """``ttl`` in seconds: none or 0 never expires, a negative one has expired."""
        size = (len(key) + len(encode(value, f"The value of {key}"))) * 2
        expires_at = None if not ttl else time.time() * 1000 + ttl * 1000
        with self._lock:
            self._remove(key)
            if size > self._limit:
                return {"success": False}
            self._entries[key] = _Entry(value, expires_at, size)
            self._size += size
            while self._size > self._limit:
                self._remove(next(iter(self._entries)))
            return {"success": True}

    def delete(self, key: str) -> Dict[str, Any]:
        with self._lock:
            self._remove(key)
            return {"success": True}

    def clear(self, prefix: str = "") -> Dict[str, Any]:
        with self._lock:
            keys = [key for key in self._entries if key.startswith(prefix)]
            live = [key for key in keys if self._live(key) is not None]
            for key in live:
                self._remove(key)
            return {"success": True, "cleared": len(live)}

    def _live(self, key: str) -> Optional[_Entry]:
        entry = self._entries.get(key)
        if entry is None or entry.expires_at is None or entry.expires_at > time.time() * 1000:
            return entry
        self._remove(key)
        return None

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size


def cache_methods(cache: Cache) -> Dict[str, Method]:
    return {
        "cache.get": lambda params: cache.get(_key(params)),
        "cache.set": lambda params: cache.set(_key(params), params.get("value"), _ttl(params)),
        "cache.delete": lambda params: cache.delete(_key(params)),
        "cache.clear": lambda params: cache.clear(_prefix(params)),
    }


def _key(params: Params) -> str:
    key = params.get("key")
    if not isinstance(key, str):
        raise invalid("key must be a string")
    return key


def _ttl(params: Params) -> Optional[float]:
    ttl = params.get("ttl")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, (int, float))):
        raise invalid("ttl must be a number of seconds")
    return ttl


def _prefix(params: Params) -> str:
    prefix = params.get("prefix")
    if prefix is None:
        return ""
    if not isinstance(prefix, str):
        raise invalid("prefix must be a string")
    return prefix
