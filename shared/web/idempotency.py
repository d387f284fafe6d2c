"""``Idempotency-Key``: who sends the same request again gets the first answer again.

Source: draft-ietf-httpapi-idempotency-key-header-07; that the key is any visible ASCII, and a
day its life, is ours. An answer may hold a secret that is shown once, and a request a password:
neither is kept in the open, nor a digest that could be guessed at. The answer is sealed with a
key made from the client's own, which we do not keep, and bound to the request: it opens only for
who sends the same key with the same request. It is kept whatever its size; commands bound that.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contracts.context import Context
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx
from shared.db.database import LockTaken
from shared.db.idempotency import Claim
from shared.db.idempotency import recall as recall_sealed
from shared.db.sealing import FieldUnreadable
from shared.web.answer import Answer, encode
from shared.web.problems import InvalidInput, Unavailable

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
VISIBLE = "[!-~]{1,255}"

_VISIBLE = re.compile(VISIBLE)
_NONCE = 12  # bytes, as AES-GCM takes them
_FULL_SECONDS = 15  # until it is looked at again whether there is room


class KeyInUse(Refusal):
    """A request with this Idempotency-Key is being answered right now."""

    code = "idempotency_key_in_use"
    status = 409
    title = "The same request is under way"


class KeyReused(Refusal):
    """The Idempotency-Key was used within 24 hours, for another request."""

    code = "idempotency_key_reused"
    status = 422
    title = "The key belongs to another request"


class AnswerUnreadable(Refusal):
    """The request was done, but its answer was sealed with a key that this server does not have."""

    code = "idempotency_answer_unreadable"
    status = 409
    title = "What was answered cannot be read any more"


@dataclass(frozen=True, slots=True)
class Key:
    """A client's name for a request; ``request`` is the digest of what it was sent for."""

    text: bytes
    request: bytes

    @classmethod
    def of(cls, request: web.Request, body: bytes) -> Self:
        """The key of a request, compared by method, address and body. Refuses a malformed one."""
        given = request.headers.getall(HEADER)
        if len(given) != 1 or not _VISIBLE.fullmatch(given[0]):
            raise InvalidInput(f"{HEADER} takes 1 to 255 visible ASCII characters, once.")
        asked = f"{request.method} {request.raw_path}\n".encode("utf-8", "surrogateescape")
        return cls(given[0].encode(), hashlib.sha256(asked + body).digest())

    def about(self, *what: str) -> Self:
        """The same key, compared by other words than the body's bytes."""
        return replace(self, request=hashlib.sha256(orjson.dumps(what)).digest())

    def claim(self, context: Context) -> Claim:
        """Where its answer is kept: for each actor apart."""
        return Claim(context.tenant, str(context.actor), self._derive("name"))

    def seal(self, answer: Answer) -> bytes:
        """An answer as it is kept."""
        told = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher().encrypt(nonce, encode(told), self.request)

    def open(self, kept: bytes) -> Answer:
        """The answer that was kept, and marked as such. Refuses another request than its own."""
        try:
            plain = self._cipher().decrypt(kept[:_NONCE], kept[_NONCE:], self.request)
        except InvalidTag:
            raise KeyReused(f"This {HEADER} was sent before, with another request.") from None
        told = orjson.loads(plain)
        return Answer(told["status"], told["body"], {**told["headers"], REPLAYED: "true"})

    def _cipher(self) -> AESGCM:
        return AESGCM(self._derive("seal"))

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self.text, f"marquee idempotency {purpose}".encode(), "sha256")


async def once(
    database: Database,
    context: Context,
    key: Key | None,
    command: Callable[[Tx], Awaitable[Answer]],
    locks: Sequence[int],
) -> Answer:
    """Do a command in a transaction, or give again what was answered to its key.

    Refuses a key that is in use at this moment, and one that belongs to another request; and
    whatever would be new, while the outbox is full.
    """
    if key is None:
        _require_room(database)
        async with database.transaction(context, *locks) as tx:
            return await command(tx)
    claim = key.claim(context)
    try:
        async with database.transaction(context, *locks, alone=claim.lock(database.schema)) as tx:
            kept = await _recall(tx, database, claim)
            if kept is not None:
                return key.open(kept)
            _require_room(database)
            answer = await command(tx)
            tx.keep(claim.actor, claim.key, key.seal(answer))
            return answer
    except LockTaken:
        raise KeyInUse(f"A request with this {HEADER} is being answered; ask again.") from None


def _require_room(database: Database) -> None:
    if database.full:
        raise Unavailable(
            "Too much waits for the message broker.", part="broker", retry_after=_FULL_SECONDS
        )


async def answered(database: Database, context: Context, key: Key | None) -> Answer | None:
    """What was answered to a key before, if anything. Refuses as ``once`` does, but for use."""
    if key is None:
        return None
    async with database.transaction(context) as tx:
        kept = await _recall(tx, database, key.claim(context))
    return None if kept is None else key.open(kept)


async def _recall(tx: Tx, database: Database, claim: Claim) -> bytes | None:
    try:
        return await recall_sealed(tx, database, claim)
    except FieldUnreadable as error:
        raise AnswerUnreadable("Look at what is there, and use a new key.") from error
