"""An OpenID provider: discovery, authorisation endpoint, token endpoint, key set.

OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 6749 section 5.2, RFC 7636 (S256 only),
client_secret_basic only.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import b64decode
from collections.abc import Callable
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.fakes.signers import (
    RsaSigner,
    Signer,
    base64url,
    compact,
)


class FakeOpenIdProvider:
    """One provider with one registered client. The user who is signed in at it is `user`."""

    host = "https://login.provider.example"
    issuer = host + "/realm"

    def __init__(self, now_seconds: Callable[[], int]) -> None:
        self.client_id = "voting service:1"  # characters that Basic needs encoded
        self.client_secret = "p%ss w+rd:" + secrets.token_urlsafe(16)
        self.redirect_uri = "https://vote.example/signed-in"
        self.user = "user-1"
        self.signer: Signer = RsaSigner()
        self.kid = "key-1"
        self.now_seconds = now_seconds
        self.answers: dict[str, Response] = {}
        """Given instead of the true answer, by path."""
        self.asked: list[str] = []
        self.silent: set[str] = set()
        """Paths that never answer."""
        self.claims: dict[str, Any] = {}
        """Laid over the true claims of the next ID tokens; None takes one away."""
        self.header: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/realm/.well-known/openid-configuration", self.discovery),
                Route("/realm/authorize", self.authorize),
                Route("/realm/token", self.token, methods=["POST"]),
                Route("/realm/keys", self.keys),
            ]
        )

    def config(self, **more: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "redirect_uris": [self.redirect_uri],
            **more,
        }

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.signer.alg],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    async def _instead(self, name: str) -> Response | None:
        self.asked.append(name)
        if name in self.silent:
            await asyncio.Event().wait()
        return self.answers.get(name)

    async def discovery(self, request: Request) -> Response:
        return await self._instead("discovery") or JSONResponse(self.document())

    async def keys(self, request: Request) -> Response:
        listed = {**self.signer.jwk(self.kid), "use": "sig", "alg": self.signer.alg}
        other = {"kty": "oct", "k": "AAAA", "kid": "not for us", "use": "enc"}
        return await self._instead("keys") or JSONResponse({"keys": [other, listed]})

    async def authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        if query.get("client_id") != self.client_id or (
            query.get("redirect_uri") != self.redirect_uri
        ):
            return JSONResponse({"error": "invalid_request"}, 400)
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            problem = urlencode({"error": "invalid_request", "state": query.get("state", "")})
            return RedirectResponse(f"{self.redirect_uri}?{problem}", 302)
        code = secrets.token_urlsafe(32)
        self._codes[code] = {**query, "user": self.user}
        answer = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{self.redirect_uri}?{answer}", 302)

    async def token(self, request: Request) -> Response:
        instead = await self._instead("token")
        if instead is not None:
            return instead
        if not self._is_client(request.headers.get("authorization", "")):
            return JSONResponse(
                {"error": "invalid_client"}, 401, {"www-authenticate": 'Basic realm="token"'}
            )
        if request.headers["content-type"] != "application/x-www-form-urlencoded":
            return JSONResponse({"error": "invalid_request"}, 400)
        form = dict(parse_qsl((await request.body()).decode("ascii")))
        if form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        granted = self._codes.pop(form.get("code", ""), None)
        if granted is None or not self._fits(granted, form):
            return JSONResponse(
                {"error": "invalid_grant", "error_description": "Code not valid"}, 400
            )
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": self._id_token(granted),
            },
            headers={"cache-control": "no-store"},
        )

    def _is_client(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        user, _, password = b64decode(encoded).decode().partition(":")
        given = f"{unquote_plus(user)}\n{unquote_plus(password)}"
        return compare_digest(given, f"{self.client_id}\n{self.client_secret}")

    @staticmethod
    def _fits(granted: dict[str, str], form: dict[str, str]) -> bool:
        challenge = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        return (
            form.get("redirect_uri") == granted["redirect_uri"]
            and granted.get("code_challenge_method") == "S256"
            and granted.get("code_challenge") == challenge
        )

    def _id_token(self, granted: dict[str, str]) -> str:
        now = self.now_seconds()
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": granted["user"],
            "iat": now,
            "exp": now + 300,
            "nonce": granted.get("nonce"),
            **({"auth_time": now} if "max_age" in granted else {}),
            **self.claims,
        }
        header = {"alg": self.signer.alg, "kid": self.kid, **self.header}
        return compact(
            self.signer,
            {name: value for name, value in claims.items() if value is not None},
            {name: value for name, value in header.items() if value is not None},
        )
