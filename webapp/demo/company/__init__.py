"""The sample company: an EHR, an OA, a payroll and a mail server in one small process of its own.

It serves raw rows of invented employees, receives pushes, counts what it was asked and what it did, and fails when told to.
"""

from webapp.demo.company.serve import serve

__all__ = ["serve"]
