"""PostgreSQL of certification.

- `applications`: applications, locked, read and listed; their history.
- `file`: what hangs on an application: gates, sheets, requests, visits, objections, decisions.
- `evidence`: what shows its answers, and what lies in the store of objects.
"""
