"""SQL of the registry: `lookup` answers, `persons` and `institutions` are locked, read and written."""

from services.registry.store.institutions import (
    EmployerOnFile,
    EmployerRow,
    LevelRow,
    ProviderOnFile,
    ProviderRow,
    WageRow,
    employers_of,
    lock_employers,
    lock_providers,
    save_employers,
    save_providers,
)
from services.registry.store.lookup import COVERAGE, Asked, audit, coverage, institutions, refer
from services.registry.store.persons import Identity, OnFile, Recorded, Version, lock, save

__all__ = [
    "COVERAGE",
    "Asked",
    "EmployerOnFile",
    "EmployerRow",
    "Identity",
    "LevelRow",
    "OnFile",
    "ProviderOnFile",
    "ProviderRow",
    "Recorded",
    "Version",
    "WageRow",
    "audit",
    "coverage",
    "employers_of",
    "institutions",
    "lock",
    "lock_employers",
    "lock_providers",
    "refer",
    "save",
    "save_employers",
    "save_providers",
]
