//! Receipts: what an installation did with the failback units that it holds, signed with its own key.

use std::collections::HashSet;

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::flaw::{Contradiction, Flaw};
use crate::jws::{self, Jws, Kind, V1};
use crate::key::{PrivateKey, PublicKey};
use crate::seconds;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptClaims {
    /// The version.
    pub v: V1,
    /// The installation.
    pub iss: String,
    /// The account whose units they are.
    pub aud: String,
    /// The installation's own count of its receipts; the caller refuses one that is lower than the last.
    pub counter: u64,
    /// When it was issued, by the clock of the installation.
    #[serde(with = "seconds")]
    pub iat: Instant,
    /// What became of each unit.
    pub units: Vec<UnitReceipt>,
}

/// What became of a failback unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitReceipt {
    /// Its license.
    pub license_id: String,
    /// Its number.
    pub unit: u32,
    /// Whether a failback succeeded with it, so that it is consumed (L-5).
    pub used: bool,
    /// The failback.
    pub job_id: Option<String>,
    /// The host that was failed back.
    pub host: Option<String>,
    /// When it was used.
    #[serde(default, with = "seconds::nullable")]
    pub used_at: Option<Instant>,
}

impl ReceiptClaims {
    /// The receipt, signed by the installation.
    #[must_use]
    pub fn sign(&self, key: &PrivateKey) -> String {
        jws::sign(Kind::Receipt, self, key)
    }

    fn check_consistent(&self) -> Result<(), Contradiction> {
        let units: HashSet<_> = self.units.iter().map(|unit| (&*unit.license_id, unit.unit)).collect();
        if units.len() != self.units.len() {
            return Err(Contradiction::UnitTwice);
        }
        if self.units.iter().any(|unit| unit.used != unit.used_at.is_some()) {
            return Err(Contradiction::UseWithoutTime);
        }
        Ok(())
    }
}

/// Verifies a receipt with the key that the installation has registered.
///
/// # Errors
/// See [`Flaw`]: the first thing that is wrong.
pub fn verify_receipt(text: &str, key: &PublicKey) -> Result<ReceiptClaims, Flaw> {
    let claims: ReceiptClaims = Jws::parse(text, Kind::Receipt)?.open(key, Flaw::UnknownKey)?;
    claims.check_consistent()?;
    Ok(claims)
}
