"""What administrators can do here, one use case a file."""

from services.assignment.commands.assign import assign
from services.assignment.commands.bulk import (
    Attempt,
    bulk_assign,
    give_up,
    intend_bulk,
    intend_retry,
    settle_left_behind,
)
from services.assignment.commands.revert import Outcome, revert, revert_operation
from services.assignment.commands.undo import undo, undo_operation
from services.assignment.commands.withdraw import Promise, withdraw
from services.assignment.store import user_lock

__all__ = [
    "Attempt",
    "Outcome",
    "Promise",
    "assign",
    "bulk_assign",
    "give_up",
    "intend_bulk",
    "intend_retry",
    "revert",
    "revert_operation",
    "settle_left_behind",
    "undo",
    "undo_operation",
    "user_lock",
    "withdraw",
]
