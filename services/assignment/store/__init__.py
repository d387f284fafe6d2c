"""Loading what decisions need and saving what they decide."""

from services.assignment.store.bulk import (
    Left,
    Request,
    fail,
    left_behind,
    recipients,
    request,
    save_attempt,
    settle,
    take_attempt,
    take_idle_attempt,
)
from services.assignment.store.holdings import current, holding, holdings, original
from services.assignment.store.loading import (
    asset,
    count_holders,
    hold_asset,
    lock_users,
    lock_users_of,
    operation,
    situation,
    undoable,
    user,
    user_lock,
)
from services.assignment.store.saving import save_assigned, save_change, withdraw_asset

__all__ = [
    "Left",
    "Request",
    "asset",
    "count_holders",
    "current",
    "fail",
    "hold_asset",
    "holding",
    "holdings",
    "left_behind",
    "lock_users",
    "lock_users_of",
    "operation",
    "original",
    "recipients",
    "request",
    "save_assigned",
    "save_attempt",
    "save_change",
    "settle",
    "situation",
    "take_attempt",
    "take_idle_attempt",
    "undoable",
    "user",
    "user_lock",
    "withdraw_asset",
]
