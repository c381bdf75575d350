from __future__ import annotations

import threading
import time
from typing import Any, Callable, Dict, Mapping, Optional

from ._errors import ErrorCodes, JobError, describe, invalid
from ._rpc import Later, Method, Params


class Model:
    """A model that is loaded when it is needed, by a job or by the app, and only once."""

    def __init__(
        self,
        id: str,
        load: Callable[[Dict[str, Any]], Any],
        unload: Optional[Callable[[Any], Any]],
        name: str,
        type: str,
        size: int,
        memory_usage: Optional[Callable[[], int]],
    ) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.size = size
        self._load = load
        self._unload = unload
        self._memory_usage = memory_usage
        self._lock = threading.Lock()
        self._instance: Any = None
        self._loaded = False
        self._last_used: Optional[int] = None

    @property
    def loaded(self) -> bool:
        return self._loaded

    def get(self, options: Optional[Dict[str, Any]] = None) -> Any:
        """What ``load`` returned. Loads first where that is still to be done; who comes meanwhile waits for the same."""
        self._last_used = int(time.time() * 1000)
        with self._lock:
            if not self._loaded:
                self._instance = self._begin(options or {})
                self._loaded = True
            return self._instance

    def unload(self) -> None:
        """Lets go of it; the next ``get`` loads anew."""
        with self._lock:
            instance, loaded = self._instance, self._loaded
            self._instance, self._loaded = None, False
            if loaded and self._unload is not None:
                self._unload(instance)

    def _begin(self, options: Dict[str, Any]) -> Any:
        try:
            return self._load(options)
        except JobError:
            raise
        except Exception as error:
            message = f"The model {self.id} did not load: {describe(error)['message']}"
            raise JobError(ErrorCodes.MODEL_LOAD_FAILED, message) from error

    def info(self) -> Dict[str, Any]:
        return {"id": self.id, "name": self.name, "type": self.type, "loaded": self.loaded, "size": self.size}

    def status(self) -> Dict[str, Any]:
        status: Dict[str, Any] = {"loaded": self.loaded}
        if self.loaded and self._memory_usage is not None:
            status["memoryUsage"] = self._memory_usage()
        if self._last_used is not None:
            status["lastUsed"] = self._last_used
        return status


def model_methods(models: Mapping[str, Model]) -> Dict[str, Method]:
    def find(params: Params) -> Model:
        model_id = params.get("modelId")
        if not isinstance(model_id, str):
            raise invalid("modelId must be a string")
        if model_id not in models:
            known = ", ".join(models) or "none"
            raise JobError(ErrorCodes.MODEL_NOT_FOUND, f"Model not found: {model_id}; this engine has: {known}")
        return models[model_id]

    def load(model: Model, params: Params) -> Dict[str, Any]:
        began = time.monotonic()
        model.get(params.get("options"))
        return {"success": True, "loadTime": int((time.monotonic() - began) * 1000)}

    def unload(model: Model) -> Dict[str, Any]:
        model.unload()
        return {"success": True}

    def load_later(params: Params) -> Later:
        model = find(params)
        return Later(lambda: load(model, params))

    def unload_later(params: Params) -> Later:
        model = find(params)
        return Later(lambda: unload(model))

    return {
        "models.list": lambda params: [model.info() for model in models.values()],
        "models.load": load_later,
        "models.unload": unload_later,
        "models.status": lambda params: find(params).status(),
    }
