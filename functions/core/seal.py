"""Signed specs (Ed25519) and sealed secrets (HPKE). The service signs and seals; the functions
verify and open, each with the key of its own role only."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from functions.core.errors import AccessDenied, Fault, InvalidConfiguration
from functions.core.keyring import key_line, new_shared_key, parse_keys
from functions.core.monitor import SPEC_LIMIT, MonitorSpec

__all__ = [
    "Opener",
    "SpecVerifier",
    "new_sealing_key",
    "new_shared_key",
    "new_signing_key",
    "public_of",
    "seal",
    "sealing_public_of",
    "sign_spec",
]

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_SPEC_PREFIX = b"claude-monitor spec\n"
"""Signed before the text, so that a signature made for anything else never passes for a spec's."""
ROOM = 16 * 1024 * 1024
"""Bytes of verified documents kept: the same document comes with every tick of its monitor."""


class SignedSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document that travels: the bytes of `spec` are what is signed."""

    spec: str
    sig: str = ""
    key: str = ""


class _Sealed(msgspec.Struct, frozen=True):
    role: str
    tenant: str
    name: str
    hosts: tuple[str, ...]
    value: str


def new_signing_key() -> str:
    """A private key for signing specs (Ed25519)."""
    return _line(Ed25519PrivateKey.generate())


def public_of(signing_key: str) -> str:
    """What the functions verify with: the public halves, in the same order."""
    return _publics(signing_key, Ed25519PrivateKey)


def new_sealing_key() -> str:
    """A private key with which one role opens its secrets (X25519)."""
    return _line(X25519PrivateKey.generate())


def sealing_public_of(key: str) -> str:
    """What the service seals with: the public halves, in the same order."""
    return _publics(key, X25519PrivateKey)


def _line(private: Ed25519PrivateKey | X25519PrivateKey) -> str:
    public = private.public_key().public_bytes_raw()
    return key_line(private.private_bytes_raw(), named_after=public)


def _publics(text: str, kind: type[Ed25519PrivateKey] | type[X25519PrivateKey]) -> str:
    privates = (kind.from_private_bytes(raw) for raw in parse_keys(text).values())
    return "\n".join(key_line(private.public_key().public_bytes_raw()) for private in privates)


def sign_spec(spec: MonitorSpec, signing_key: str) -> bytes:
    """The document `{"spec": "<JSON text>", "sig": "<base64>", "key": "<key id>"}`.

    Raises InvalidConfiguration beyond 64 KiB."""
    text = msgspec.json.encode(spec)
    name, raw = next(iter(parse_keys(signing_key).items()))
    signature = Ed25519PrivateKey.from_private_bytes(raw).sign(_SPEC_PREFIX + text)
    signed = SignedSpec(text.decode(), base64.b64encode(signature).decode(), name)
    document = msgspec.json.encode(signed)
    _check_size(document)
    return document


class SpecVerifier:
    """Believes only specs signed with one of these public keys. Remembers documents of `room` bytes
    in all; the oldest make way."""

    def __init__(self, public_keys: str, *, room: int = ROOM) -> None:
        self._keys = {
            name: Ed25519PublicKey.from_public_bytes(raw)
            for name, raw in parse_keys(public_keys).items()
        }
        self._known: dict[bytes, tuple[MonitorSpec, int]] = {}
        self._left = room

    def open(self, document: bytes) -> MonitorSpec:
        """The spec inside. Raises AccessDenied when it is unsigned, altered or signed by a
        stranger, InvalidConfiguration when it is too large or malformed."""
        digest = hashlib.sha256(document).digest()
        if digest in self._known:
            return self._known[digest][0]
        spec, size = self._verified(document), len(document)
        self._known[digest] = spec, size
        self._left -= size
        while self._left < 0:
            self._left += self._known.pop(next(iter(self._known)))[1]
        return spec

    def _verified(self, document: bytes) -> MonitorSpec:
        _check_size(document)
        try:
            signed = msgspec.json.decode(document, type=SignedSpec)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _malformed("must be a signed document of spec, sig and key", error) from error
        self._check_signature(signed)
        try:
            spec = msgspec.json.decode(signed.spec, type=MonitorSpec)
        except msgspec.MsgspecError as error:
            raise _malformed("is signed but not a spec this version can read", error) from error
        if faults := spec.faults():
            raise InvalidConfiguration(*faults)
        return spec

    def _check_signature(self, signed: SignedSpec) -> None:
        key = self._keys.get(signed.key)
        if key is None:
            raise AccessDenied("The monitor's document is unsigned or signed with an unknown key.")
        try:
            signature = base64.b64decode(signed.sig, validate=True)
            if base64.b64encode(signature).decode() != signed.sig:
                raise InvalidSignature("the last letter has bits that nothing reads")
            key.verify(signature, _SPEC_PREFIX + signed.spec.encode())
        except (InvalidSignature, ValueError) as error:
            raise AccessDenied("The monitor's document was altered after signing.") from error


def seal(
    value: str, *, role: str, tenant: str, name: str, hosts: Sequence[str], public_key: str
) -> str:
    """A secret only `role` can open, for `tenant` and for sending to `hosts` (exact names; none
    means nowhere). The text is `KEYID.BASE64`."""
    key, raw = next(iter(parse_keys(public_key).items()))
    inside = _Sealed(role, tenant, name, tuple(host.lower() for host in hosts), value)
    public = X25519PublicKey.from_public_bytes(raw)
    ciphertext = _SUITE.encrypt(msgspec.json.encode(inside), public, info=role.encode())
    return f"{key}.{base64.b64encode(ciphertext).decode()}"


class Opener:
    """Opens what was sealed for one role (implements ports.SecretOpener)."""

    def __init__(self, role: str, private_keys: str) -> None:
        self._role = role
        self._keys = parse_keys(private_keys)

    def open(self, tenant: str, name: str, *, host: str, sealed: str) -> str:
        """The plain value. `name` is the provider's slot, for the error only. Raises AccessDenied
        unless sealed for this role, tenant and host."""
        inside = self._opened(name, sealed)
        if (inside.role, inside.tenant) != (self._role, tenant):
            raise AccessDenied(_REFUSED.format(name, "belongs to another role or account"))
        if host.lower() not in inside.hosts:
            raise AccessDenied(_REFUSED.format(name, "may not be sent to this host"))
        return inside.value

    def _opened(self, name: str, sealed: str) -> _Sealed:
        key, _, encoded = sealed.partition(".")
        raw = self._keys.get(key)
        if raw is None:
            gone = "was sealed with a key that is gone" if sealed else "is not stored any more"
            raise AccessDenied(_REFUSED.format(name, gone))
        # Made here: the first such key takes 10 ms, and most polls open nothing.
        private = X25519PrivateKey.from_private_bytes(raw)
        try:
            ciphertext = base64.b64decode(encoded, validate=True)
            plain = _SUITE.decrypt(ciphertext, private, info=self._role.encode())
            return msgspec.json.decode(plain, type=_Sealed)
        except (InvalidTag, binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise AccessDenied(_REFUSED.format(name, "cannot be opened here")) from error


_REFUSED = (
    "The secret in '{}' {}. Enter it again with `claude-monitor secret set NAME --host HOST`."
)


def _check_size(document: bytes) -> None:
    if len(document) > SPEC_LIMIT:
        raise InvalidConfiguration(Fault("spec", f"is longer than {SPEC_LIMIT // 1024} KiB signed"))


def _malformed(problem: str, error: Exception) -> InvalidConfiguration:
    return InvalidConfiguration(Fault("spec", problem), cause=type(error).__name__)
