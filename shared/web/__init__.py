"""How every service speaks HTTP: routes, problems, health, metrics, and who is asking."""

from shared.web.answer import Answer
from shared.web.health import Check, Health
from shared.web.paging import Page, PageQuery
from shared.web.patience import patiently
from shared.web.routes import Call, Header, Media, Routes

__all__ = [
    "Answer",
    "Call",
    "Check",
    "Header",
    "Health",
    "Media",
    "Page",
    "PageQuery",
    "Routes",
    "patiently",
]
