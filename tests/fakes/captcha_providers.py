"""The verification servers of four hosted captchas, as their documentation describes them. Each
checks the signature its own way: parsed from the raw request, with nothing of the adapters.

Turnstile: https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
GeeTest v4: https://docs.geetest.com/gt4/deploy/server
Tencent: https://cloud.tencent.com/document/product/1112/36926 and, for the signature,
https://www.tencentcloud.com/document/product/1084/39391
Yidun: https://support.dun.163.com/documents/15588062143475712?docId=69218161355051008
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Say = dict[str, Any]


class FakeProvider(ABC):
    """One site key at one provider, with the tokens of its widget."""

    provider: str
    host: str
    path: str
    site_key: str

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self.now_seconds = now_seconds
        self.tokens: dict[str, Any] = {}
        self.used: set[str] = set()
        self.requests: list[dict[str, str]] = []
        self.instead: Response | None = None
        self.held: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self.app = Starlette(routes=[Route(self.path, self._verify, methods=["POST"])])

    async def _verify(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append({"body": body.decode()})
        self.arrived.set()
        if self.held is not None:
            await self.held.wait()
        if self.instead is not None:
            return self.instead
        return JSONResponse(self.verdict(request, body))

    def take(self, token: str) -> bool:
        """Whether a token is ours and new."""
        fresh = token in self.tokens and token not in self.used
        self.used.add(token)
        return fresh

    @property
    @abstractmethod
    def secrets_table(self) -> dict[str, str]:
        """What the provider's console shows to its customer."""

    @abstractmethod
    def solve(self, binding: str = "") -> str:
        """A person solved it: what the page sends."""

    @abstractmethod
    def verdict(self, request: Request, body: bytes) -> Say:
        """The JSON of the answer."""


class FakeTurnstile(FakeProvider):
    provider = "turnstile"
    host = "https://challenges.cloudflare.com"
    path = "/turnstile/v0/siteverify"
    site_key = "0x4AAAAAAAexample_-key"
    secret = "0x4AAAAAAA" + secrets.token_hex(12)

    @property
    def secrets_table(self) -> dict[str, str]:
        return {"secret": self.secret}

    def solve(self, binding: str = "", *, length: int = 500) -> str:
        token = ("0." + secrets.token_urlsafe(length))[:length]
        self.tokens[token] = binding
        return token

    def verdict(self, request: Request, body: bytes) -> Say:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("secret") != self.secret:
            return _refused("invalid-input-secret")
        token = form.get("response", "")
        if token not in self.tokens:
            return _refused("invalid-input-response")
        if not self.take(token):
            return _refused("timeout-or-duplicate")
        return {
            "success": True,
            "challenge_ts": "2022-07-18T04:00:00.000Z",
            "hostname": "vote.example",
            "error-codes": [],
            "action": "",
            "cdata": self.tokens[token],
            "metadata": {"interactive": False},
        }


def _refused(code: str) -> Say:
    return {"success": False, "error-codes": [code], "messages": []}


class FakeGeeTest(FakeProvider):
    provider = "geetest"
    host = "https://gcaptcha4.geetest.com"
    path = "/validate"
    site_key = secrets.token_hex(16)
    key = secrets.token_hex(16)

    @property
    def secrets_table(self) -> dict[str, str]:
        return {"captcha_key": self.key}

    def solve(self, binding: str = "") -> str:
        fields = {
            "lot_number": secrets.token_hex(16),
            "captcha_output": secrets.token_urlsafe(500) + "==",
            "pass_token": secrets.token_hex(32),
            "gen_time": str(int(self.now_seconds())),
        }
        self.tokens[fields["lot_number"]] = fields
        return urlencode(fields)

    def verdict(self, request: Request, body: bytes) -> Say:
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if request.query_params.get("captcha_id") != self.site_key:
            return {"status": "error", "code": "-50103", "msg": "captcha_id not exist"}
        if not sent.get("gen_time", "").isdigit():
            return {"status": "error", "code": "-50005", "msg": "illegal gen_time"}
        lot = sent["lot_number"]
        keyed = hmac.new(bytes(self.key, "ascii"), bytes(lot, "ascii"), hashlib.sha256)
        if keyed.hexdigest() != sent.pop("sign_token"):
            return {"status": "success", "result": "fail", "reason": "sign_token error"}
        if sent != self.tokens.get(lot) or not self.take(lot):
            return {"status": "success", "result": "fail", "reason": "pass_token expire"}
        return {
            "status": "success",
            "result": "success",
            "reason": "",
            "captcha_args": {"used_type": "slide", "user_ip": "127.0.0.1", "lot_number": lot},
        }


class FakeTencent(FakeProvider):
    provider = "tencent"
    host = "https://captcha.tencentcloudapi.com"
    path = "/"
    site_key = "199999164"
    app_secret_key = secrets.token_urlsafe(18)
    secret_id = "AKID" + secrets.token_hex(16)
    secret_key = secrets.token_hex(16)

    @property
    def secrets_table(self) -> dict[str, str]:
        return {
            "app_secret_key": self.app_secret_key,
            "secret_id": self.secret_id,
            "secret_key": self.secret_key,
        }

    def solve(self, binding: str = "") -> str:
        ticket, randstr = "tr03" + secrets.token_urlsafe(150) + "*", "@" + secrets.token_hex(2)
        self.tokens[ticket] = randstr
        return urlencode({"ticket": ticket, "randstr": randstr})

    def token_of_an_outage(self) -> str:
        """What the page gets while the provider is unavailable: no proof of anything."""
        ticket = f"trerror_1001_{self.site_key}_{int(self.now_seconds())}"
        return urlencode({"ticket": ticket, "randstr": "@abc"})

    def verdict(self, request: Request, body: bytes) -> Say:
        wrong = self._unsigned(request, body)
        if wrong:
            error = {"Code": wrong, "Message": "see the documentation"}
            return {"Response": {"Error": error, "RequestId": "1"}}
        sent = json.loads(body)
        assert sent["CaptchaType"] == 9
        assert sent["UserIp"]
        code = self._code(sent)
        level = 100 if code == 21 else 0
        return {
            "Response": {
                "CaptchaCode": code,
                "CaptchaMsg": "OK" if code == 1 else "no",
                "EvilLevel": level,
                "GetCaptchaTime": 0,
                "RequestId": "1",
            }
        }

    def _code(self, sent: Say) -> int:
        ticket = sent["Ticket"]
        if str(sent["CaptchaAppId"]) != self.site_key:
            return 16
        if sent["AppSecretKey"] != self.app_secret_key:
            return 100
        if ticket.startswith("trerror_"):
            return 21
        if ticket not in self.tokens:
            return 15
        if sent["Randstr"] != self.tokens[ticket]:
            return 7
        return 1 if self.take(ticket) else 9

    def _unsigned(self, request: Request, body: bytes) -> str | None:
        """The error code of a request that is not signed as the documentation states."""
        headers = request.headers
        if headers.get("x-tc-action") != "DescribeCaptchaResult":
            return "InvalidAction"
        if headers.get("x-tc-version") != "2019-07-22":
            return "NoSuchVersion"
        stamp = headers.get("x-tc-timestamp", "0")
        if abs(int(stamp) - self.now_seconds()) > 300:
            return "AuthFailure.SignatureExpire"
        authorization = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/captcha/tc3_request, "
            r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
            headers.get("authorization", ""),
        )
        if authorization is None or not {"content-type", "host"} <= set(
            authorization[3].split(";")
        ):
            return "AuthFailure.InvalidAuthorization"
        if authorization[1] != self.secret_id:
            return "AuthFailure.SecretIdNotFound"
        names = authorization[3].split(";")
        assert names == sorted(names)
        lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
        hashed = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/\n\n{lines}\n{authorization[3]}\n{hashed}"
        scope = f"{authorization[2]}/captcha/tc3_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["TC3-HMAC-SHA256", stamp, scope, digest])
        key = b"TC3" + self.secret_key.encode()
        for word in (authorization[2].encode(), b"captcha", b"tc3_request", text.encode()):
            key = hmac.new(key, word, hashlib.sha256).digest()
        return None if key.hex() == authorization[4] else "AuthFailure.SignatureFailure"


class FakeYidun(FakeProvider):
    provider = "yidun"
    host = "https://c.dun.163.com"
    path = "/api/v2/verify"
    site_key = secrets.token_hex(16)
    secret_id = secrets.token_hex(16)
    secret_key = secrets.token_hex(16)

    @property
    def secrets_table(self) -> dict[str, str]:
        return {"secret_id": self.secret_id, "secret_key": self.secret_key}

    def solve(self, binding: str = "") -> str:
        token = "CN31_" + secrets.token_urlsafe(300) + "_v_i_1"
        self.tokens[token] = None
        return token

    def verdict(self, request: Request, body: bytes) -> Say:
        parsed = parse_qs(body.decode(), keep_blank_values=True)
        sent = {name: values[0] for name, values in parsed.items()}
        given = sent.pop("signature", "")
        needed = {"captchaId", "validate", "user", "secretId", "version", "timestamp", "nonce"}
        if sent.keys() != needed or sent["version"] != "v2" or len(sent["nonce"]) > 32:
            return {"error": 419, "msg": "param check error", "result": False}
        joined = "".join(key + value for key, value in sorted(sent.items())) + self.secret_key
        if hashlib.md5(joined.encode()).hexdigest() != given:
            return {"error": 415, "msg": "signature check error", "result": False}
        if abs(int(sent["timestamp"]) - self.now_seconds() * 1000) > 300_000:
            return {"error": 419, "msg": "timestamp check error", "result": False}
        if sent["secretId"] != self.secret_id or sent["captchaId"] != self.site_key:
            return {"error": 419, "msg": "param check error", "result": False}
        good = self.take(sent["validate"])
        return {
            "error": 0,
            "msg": "ok" if good else "validate invalid",
            "result": good,
            "phone": "",
            "extraData": "",
            "captchaType": 2,
            "token": "1",
            "sdkReduce": False,
        }


FAKES: tuple[type[FakeProvider], ...] = (FakeTurnstile, FakeGeeTest, FakeTencent, FakeYidun)
