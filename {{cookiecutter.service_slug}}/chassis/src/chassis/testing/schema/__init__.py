"""Compares migrations with the tables that they should lead to, without a server.

It sees what a database would refuse later: a column without a migration, a state that the CHECK constraint does not
know. The comparison is made for the service's own dialect.
"""

from .compare import Comparison, check_schema, compare_schema
from .tables import check_tables_are_listed

__all__ = ["Comparison", "check_schema", "check_tables_are_listed", "compare_schema"]
