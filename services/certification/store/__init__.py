"""PostgreSQL of certification.

- `applications`: applications, locked, read and listed; their history.
- `file`: what hangs on an application: gates, sheets, requests, visits, objections, decisions.
"""
