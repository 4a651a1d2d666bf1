"""SQL of the registry: `lookup` answers; `persons`, `institutions` and `households` are locked, read and written;
`payees` are where they are paid.
"""

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
from services.registry.store.payees import (
    AccountRow,
    PayeeOnFile,
    keep_keys,
    named_employers,
    named_providers,
    payees,
    save_accounts,
)
from services.registry.store.persons import Identity, OnFile, Recorded, Version, lock, save

__all__ = [
    "COVERAGE",
    "AccountRow",
    "Asked",
    "EmployerOnFile",
    "EmployerRow",
    "HouseholdOnFile",
    "Identity",
    "LevelRow",
    "MembersRow",
    "OnFile",
    "PayeeOnFile",
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
    "keep_keys",
    "levels_on",
    "lock",
    "lock_employers",
    "lock_providers",
    "named_employers",
    "named_providers",
    "payees",
    "raise_versions",
    "refer",
    "save",
    "save_accounts",
    "save_employers",
    "save_households",
    "save_providers",
    "save_statements",
]
