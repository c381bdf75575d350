"""An engine for ``@niche-knack/desktop-runtime``: the process that a desktop app starts and gives jobs to."""

from ._cache import Cache
from ._engine import Engine
from ._errors import ErrorCodes, JobCancelled, JobError
from ._job import Job
from ._models import Model

__all__ = ["Cache", "Engine", "ErrorCodes", "Job", "JobCancelled", "JobError", "Model"]
__version__ = "2.0.0"
