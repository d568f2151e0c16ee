"""Where the trusted certificate authorities of this machine are, found once per process."""

import os
import ssl
from pathlib import Path

import msgspec

from functions.core.errors import SourceUnavailable

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


class Authorities(msgspec.Struct, frozen=True):
    """A hashed folder, of which only the needed file is read (0.1 ms), or a bundle, which is parsed
    whole (15 ms) and then kept by curl."""

    folder: str = ""
    bundle: str = ""


def system_authorities() -> Authorities:
    """SSL_CERT_FILE and SSL_CERT_DIR if set, else what the system has. Raises SourceUnavailable
    when it has none."""
    if named := os.environ.get("SSL_CERT_FILE"):
        return Authorities(bundle=named)
    paths = ssl.get_default_verify_paths()
    for folder in (paths.capath, "/etc/ssl/certs"):
        if folder and _is_hashed(Path(folder)):
            return Authorities(folder=folder)
    for bundle in (paths.cafile, *_BUNDLES):
        if bundle and Path(bundle).is_file():
            return Authorities(bundle=bundle)
    raise SourceUnavailable(
        "this machine has no certificate authorities; install ca-certificates or set SSL_CERT_FILE"
    )


def _is_hashed(folder: Path) -> bool:
    return folder.is_dir() and any(entry.name.endswith(".0") for entry in os.scandir(folder))
