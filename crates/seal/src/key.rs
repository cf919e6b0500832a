//! Ed25519 keys, and the names by which documents refer to them.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::jws::{self, Headers};

/// The public half of a key: whoever has it can verify.
///
/// The text form is the one in which a root key is pinned. As JSON it is a JWK (RFC 8037).
///
/// ```
/// use seal::PublicKey;
///
/// let root: PublicKey = "perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".parse()?;
/// assert_eq!(root.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// assert_eq!(root.jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// # Ok::<(), seal::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: VerifyingKey,
    kid: String,
}

/// The bytes or the text are not a public key that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It has another form.
    #[error("not a public key, such as perennial-root-ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    Malformed,
    /// The bytes are no point of the curve, or one with which anybody could sign.
    #[error("the bytes are not an Ed25519 public key")]
    NotAKey,
}

const ROOT_PREFIX: &str = "perennial-root-ed25519:";

impl PublicKey {
    /// The key with these bytes (RFC 8032).
    ///
    /// # Errors
    /// [`InvalidKey::NotAKey`] when no private key could belong to them.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let point = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::NotAKey)?;
        let is_canonical = point.to_edwards().compress().as_bytes() == bytes;
        if point.is_weak() || !is_canonical {
            return Err(InvalidKey::NotAKey);
        }
        Ok(Self::of(point))
    }

    fn of(point: VerifyingKey) -> Self {
        let x = jws::encode(point.as_bytes());
        // RFC 7638: the required members in the order of the alphabet, without spaces.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { point, kid: jws::encode(Sha256::digest(canonical)) }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.point.as_bytes()
    }

    /// Its name: the thumbprint of its JWK (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// As a JWK, for a list of public keys.
    #[must_use]
    pub fn jwk(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a JWK is JSON")
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.point.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    fn x(&self) -> String {
        jws::encode(self.as_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ROOT_PREFIX}{}", self.x())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kid)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let x = text.strip_prefix(ROOT_PREFIX).ok_or(InvalidKey::Malformed)?;
        Self::from_bytes(&jws::decode_array(x).ok_or(InvalidKey::Malformed)?)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    purpose: String,
}

impl From<&PublicKey> for Jwk {
    fn from(key: &PublicKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: key.x(),
            kid: key.kid.clone(),
            alg: "EdDSA".to_owned(),
            purpose: "sig".to_owned(),
        }
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Jwk::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = Jwk::deserialize(deserializer)?;
        let bytes = jws::decode_array(&jwk.x).ok_or_else(|| serde::de::Error::custom(InvalidKey::Malformed))?;
        let key = Self::from_bytes(&bytes).map_err(serde::de::Error::custom)?;
        let ours = Jwk::from(&key);
        let is_ours = [
            (jwk.kty, ours.kty),
            (jwk.crv, ours.crv),
            (jwk.kid, ours.kid),
            (jwk.alg, ours.alg),
            (jwk.purpose, ours.purpose),
        ];
        if is_ours.iter().any(|(given, ours)| given != ours) {
            return Err(serde::de::Error::custom("not a JWK of an Ed25519 signing key with its thumbprint as kid"));
        }
        Ok(key)
    }
}

/// A key that signs. It is wiped from memory when it is dropped, and never shown.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
    headers: Headers,
}

impl PrivateKey {
    /// The key with these 32 bytes of entropy (RFC 8032 calls them the private key). They are secret, and must be random.
    #[must_use]
    pub fn from_bytes(entropy: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(entropy);
        let public = PublicKey::of(key.verifying_key());
        let headers = Headers::of(&public);
        Self { key, public, headers }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The name of the key, see [`PublicKey::kid`].
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    pub(crate) const fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    pub(crate) fn secret_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kid())
    }
}
