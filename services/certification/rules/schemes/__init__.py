"""The scheme as data: every version from its files, strictly; which one an application goes by.

- `indicators`: indicators and gates of one file.
- `head`: what is no indicator: laws, dimensions, figures, terms, events.
- `reading`: a version from a directory or from its stored content; figures given for one case.
"""

from services.certification.rules.schemes.reading import from_content, given, read, version_on, versions

__all__ = ["from_content", "given", "read", "version_on", "versions"]
