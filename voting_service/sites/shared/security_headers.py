"""Security headers of every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_DIRECTIVES: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def content_security_policy(more: Mapping[str, Sequence[str]]) -> str:
    """Return the policy of a page that may also load from `more`, sources by directive."""
    directives = dict(_DIRECTIVES)
    for name, sources in more.items():
        directives[name] = " ".join(filter(None, (directives.get(name), *sources)))
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


CONTENT_SECURITY_POLICY = content_security_policy({})
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
