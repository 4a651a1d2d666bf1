"""SQL of the registry: `lookup` answers; `persons`, `institutions` and `households` are locked, read and written."""

from services.registry.store.erasing import erasable, erase, keep_erasure
from services.registry.store.households import (
    HouseholdOnFile,
    MembersRow,
    households,
    levels_on,
    raise_versions,
    save_households,
    save_statements,
)
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
    "HouseholdOnFile",
    "Identity",
    "LevelRow",
    "MembersRow",
    "OnFile",
    "ProviderOnFile",
    "ProviderRow",
    "Recorded",
    "Version",
    "WageRow",
    "audit",
    "coverage",
    "employers_of",
    "erasable",
    "erase",
    "households",
    "institutions",
    "keep_erasure",
    "levels_on",
    "lock",
    "lock_employers",
    "lock_providers",
    "raise_versions",
    "refer",
    "save",
    "save_employers",
    "save_households",
    "save_providers",
    "save_statements",
]
