"""What the registry does: `looking_up` answers who is covered, `recording` keeps what the offices state."""

from services.registry.usecases.looking_up import get_coverage, get_institutions
from services.registry.usecases.office import Asker, Office
from services.registry.usecases.recording import record

__all__ = ["Asker", "Office", "get_coverage", "get_institutions", "record"]
