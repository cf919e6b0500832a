# Verifies a license file: python3 verify.py FILE ROOT
# Needs the package `cryptography`.
import base64
import json
import sys
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):
    pass


def decode(text):
    padded = text + "=" * (-len(text) % 4)
    data = base64.b64decode(padded, altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise ValueError("not canonical")
    return data


def open_line(line, typ, key, name, kid=None):
    """The claims of the line if it is signed with the key."""
    signed, signature = line.rsplit(".", 1)
    header, claims = signed.split(".")
    header = decode(header).decode()
    start = '{"alg":"EdDSA","typ":"%s","kid":"' % typ
    if not header.startswith(start):
        raise Refused("wrong_type")
    if kid is not None and header != start + kid + '"}':
        raise Refused("key_mismatch")
    try:
        Ed25519PublicKey.from_public_bytes(decode(key)).verify(decode(signature), signed.encode())
    except InvalidSignature:
        raise Refused(name + "_signature_invalid") from None
    return json.loads(decode(claims))


def verify(text, root, now):
    try:
        license_line, certificate_line, end = text.split("\n")
    except ValueError:
        raise Refused("malformed_file") from None
    if end != "":
        raise Refused("malformed_file")
    root = root.removeprefix("perennial-root-ed25519:")
    certificate = open_line(certificate_line, "perennial-certificate+jws", root, "certificate")
    kid = certificate["sub"]
    claims = open_line(license_line, "perennial-license+jws", certificate["jwk"]["x"], "license", kid)
    if kid in certificate["revoked"]:
        raise Refused("key_revoked")
    if now < certificate["nbf"]:
        raise Refused("key_not_yet_valid")
    if now >= certificate["exp"]:
        raise Refused("key_expired")
    if now < claims["nbf"]:
        raise Refused("not_yet_valid")
    if now >= claims["exp"]:
        raise Refused("expired")
    return claims


try:
    with open(sys.argv[1], newline="") as file:
        print(json.dumps(verify(file.read(), sys.argv[2], time.time())))
except Refused as reason:
    sys.exit(f"refused: {reason}")
except ValueError:
    sys.exit("refused: malformed_file")
