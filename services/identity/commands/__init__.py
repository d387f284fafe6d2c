"""What can be done with tenants, with people, and with what they sign in with."""

from services.identity.commands.keys import (
    ApiKeyNotFound,
    ExpiryPast,
    NewKey,
    create_key,
    delete_key,
)
from services.identity.commands.people import (
    CannotDisableYourself,
    Changed,
    Changes,
    EmailTaken,
    InvalidCredentials,
    LastAdministrator,
    NewUser,
    anybody,
    change_user,
    create_first_administrator,
    create_user,
    log_in,
)
from services.identity.commands.sessions import Session, begin_session, issue_ticket, redeem_ticket
from services.identity.commands.tenants import (
    ChangedTenant,
    NewTenant,
    OperatorTenant,
    TenantChanges,
    TenantExists,
    change_tenant,
    create_tenant,
)

__all__ = [
    "ApiKeyNotFound",
    "CannotDisableYourself",
    "Changed",
    "ChangedTenant",
    "Changes",
    "EmailTaken",
    "ExpiryPast",
    "InvalidCredentials",
    "LastAdministrator",
    "NewKey",
    "NewTenant",
    "NewUser",
    "OperatorTenant",
    "Session",
    "TenantChanges",
    "TenantExists",
    "anybody",
    "begin_session",
    "change_tenant",
    "change_user",
    "create_first_administrator",
    "create_key",
    "create_tenant",
    "create_user",
    "delete_key",
    "issue_ticket",
    "log_in",
    "redeem_ticket",
]
