//! Activation codes: vouchers that become a license. Whoever redeems one sends it back to us, so we hold it to our own keys.

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::flaw::{Contradiction, Flaw};
use crate::jws::{self, Jws, Kind, V1};
use crate::key::{PrivateKey, PublicKey};
use crate::seconds;

/// What an activation code says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeClaims {
    /// The version.
    pub v: V1,
    /// The vendor.
    pub iss: String,
    /// The id of the code. It is redeemed once, which only the database can know.
    pub jti: String,
    /// The account that may redeem it; `None`: whoever has it.
    pub aud: Option<String>,
    /// The kind of the license: `dr` or `failback`.
    pub kind: String,
    /// How many units.
    pub quantity: u32,
    /// The unit of its term, such as `month`.
    pub unit: String,
    /// How many of them.
    pub count: u32,
    /// When it was issued.
    #[serde(with = "seconds")]
    pub iat: Instant,
    /// The first instant at which it cannot be redeemed any more, if there is one.
    #[serde(default, with = "seconds::nullable")]
    pub exp: Option<Instant>,
}

impl CodeClaims {
    /// The activation code, signed by a signing key.
    #[must_use]
    pub fn sign(&self, key: &PrivateKey) -> String {
        jws::sign(Kind::Code, self, key)
    }
}

/// Verifies an activation code with our own keys, the former ones too: codes live longer than keys.
/// Leave out a key that is revoked.
///
/// # Errors
/// See [`Flaw`]: the first thing that is wrong.
pub fn verify_code(text: &str, keys: &[PublicKey], now: Instant) -> Result<CodeClaims, Flaw> {
    let code = Jws::parse(text, Kind::Code)?;
    let key = keys.iter().find(|key| key.kid() == code.kid()).ok_or(Flaw::UnknownKey)?;
    let claims: CodeClaims = code.open(key, Flaw::UnknownKey)?;
    if claims.quantity == 0 || claims.count == 0 {
        return Err(Contradiction::NoQuantity.into());
    }
    match claims.exp {
        Some(exp) if exp <= claims.iat => Err(Contradiction::NeverValid.into()),
        Some(exp) if now >= exp => Err(Flaw::Expired { expired_at: exp }),
        Some(_) | None => Ok(claims),
    }
}
