//! The form of every seal: compact JWS (RFC 7515) with Ed25519 (RFC 8037), and nothing that the format leaves open.
//!
//! ```text
//! base64url(header) . base64url(claims) . base64url(signature over the text before the second dot)
//! ```
//!
//! There is one algorithm, one header per kind of document and key, and one way to write each byte. So a document cannot
//! be changed into another one that still holds, and a document of one kind is never taken for another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::flaw::Flaw;
use crate::key::{PrivateKey, PublicKey};

/// What a document is. Its header says so, and the signature covers the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first line of a license file.
    License,
    /// The second line of a license file.
    Certificate,
    /// An answer to "what may I do?".
    Statement,
    /// An activation code.
    Code,
    /// A receipt of an installation.
    Receipt,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::License, Self::Certificate, Self::Statement, Self::Code, Self::Receipt];

    /// The `typ` in the header.
    #[must_use]
    pub const fn typ(self) -> &'static str {
        match self {
            Self::License => "perennial-license+jws",
            Self::Certificate => "perennial-certificate+jws",
            Self::Statement => "perennial-statement+jws",
            Self::Code => "perennial-code+jws",
            Self::Receipt => "perennial-receipt+jws",
        }
    }

    const fn malformed(self) -> Flaw {
        match self {
            Self::License => Flaw::MalformedLicense,
            Self::Certificate => Flaw::MalformedCertificate,
            Self::Statement => Flaw::MalformedStatement,
            Self::Code => Flaw::MalformedCode,
            Self::Receipt => Flaw::MalformedReceipt,
        }
    }

    const fn signature_invalid(self) -> Flaw {
        match self {
            Self::License => Flaw::LicenseSignatureInvalid,
            Self::Certificate => Flaw::CertificateSignatureInvalid,
            Self::Statement => Flaw::StatementSignatureInvalid,
            Self::Code => Flaw::CodeSignatureInvalid,
            Self::Receipt => Flaw::ReceiptSignatureInvalid,
        }
    }
}

/// The claim `v` of every document: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V1;

impl V1 {
    const NUMBER: u64 = 1;
}

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            _ => Err(serde::de::Error::custom("not version 1")),
        }
    }
}

/// Only the version: what later versions add must not hide that they are later ones.
#[derive(Deserialize)]
struct Version {
    v: u64,
}

const ALGORITHM: &str = "EdDSA";

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// The header of a document, encoded.
fn header(kind: Kind, kid: &str) -> String {
    let header = Header { alg: ALGORITHM, typ: kind.typ(), kid };
    encode(serde_json::to_vec(&header).expect("strings are JSON"))
}

/// The headers of all documents of one key: encoded once, not for each signature.
pub struct Headers([(Kind, String); Kind::ALL.len()]);

impl Headers {
    pub fn of(key: &PublicKey) -> Self {
        Self(Kind::ALL.map(|kind| (kind, header(kind, key.kid()))))
    }

    fn get(&self, kind: Kind) -> &str {
        let found = self.0.iter().find(|(of, _)| *of == kind);
        &found.expect("there is one for each kind").1
    }
}

/// Signs claims.
pub fn sign<T: Serialize>(kind: Kind, claims: &T, key: &PrivateKey) -> String {
    let claims = serde_json::to_vec(claims).expect("claims have string keys and no floats");
    let mut text = key.headers().get(kind).to_owned();
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut text);
    let signature = key.sign(text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// A document that has the right form. Nobody sees its claims before the signature holds.
pub struct Jws<'a> {
    kind: Kind,
    kid: String,
    signed: &'a str,
    claims: Vec<u8>,
    signature: [u8; 64],
}

impl<'a> Jws<'a> {
    pub fn parse(text: &'a str, kind: Kind) -> Result<Self, Flaw> {
        let malformed = || kind.malformed();
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let kid = kid_of(header, kind)?;
        let claims = decode(claims).ok_or_else(malformed)?;
        let signature = decode_array(signature).ok_or_else(malformed)?;
        Ok(Self { kind, kid, signed, claims, signature })
    }

    /// The claims, when the document is signed with this key; `otherwise` when it names another one.
    pub fn open<T: DeserializeOwned>(&self, key: &PublicKey, otherwise: Flaw) -> Result<T, Flaw> {
        if self.kid != key.kid() {
            return Err(otherwise);
        }
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(self.kind.signature_invalid());
        }
        let Version { v } = serde_json::from_slice(&self.claims).map_err(|_| self.kind.malformed())?;
        if v != V1::NUMBER {
            return Err(Flaw::UnsupportedVersion { version: v });
        }
        serde_json::from_slice(&self.claims).map_err(|_| self.kind.malformed())
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }
}

/// The key that a header names, when the header is to the byte the one that we write.
fn kid_of(encoded: &str, kind: Kind) -> Result<String, Flaw> {
    let malformed = || kind.malformed();
    let bytes = decode(encoded).ok_or_else(malformed)?;
    let members: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    if members.get("alg").ok_or_else(malformed)? != ALGORITHM {
        return Err(Flaw::UnsupportedAlgorithm);
    }
    if members.get("typ").ok_or_else(malformed)? != kind.typ() {
        return Err(Flaw::WrongType);
    }
    let kid = members.get("kid").and_then(Value::as_str).ok_or_else(malformed)?;
    // Nothing more: `crit` would change what the document means, and `jwk` would bring its own key.
    if encoded != header(kind, kid) {
        return Err(malformed());
    }
    Ok(kid.to_owned())
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Only the one way to write the bytes: no padding, and no bits set that stand for nothing.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}
