//! License files: what a customer holds, for a product that cannot ask.
//!
//! ```text
//! LICENSE        signed by the signing key of line 2
//! CERTIFICATE    signed by the root key that the product has pinned
//! ```

use std::collections::{HashMap, HashSet};

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::flaw::{Contradiction, Flaw};
use crate::jws::{self, Jws, Kind, V1};
use crate::key::{PrivateKey, PublicKey};
use crate::seconds;

/// What a license file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseClaims {
    /// The version.
    pub v: V1,
    /// The vendor.
    pub iss: String,
    /// For whom the file is made: an installation, or an account for all of its installations.
    pub aud: String,
    /// The account that holds the licenses.
    pub sub: String,
    /// The id of this file.
    pub jti: String,
    /// Its number. Each file for the same audience has a higher one than the file before; below 2^53, for JavaScript.
    pub seq: u64,
    /// When it was issued.
    #[serde(with = "seconds")]
    pub iat: Instant,
    /// From when on it is valid.
    #[serde(with = "seconds")]
    pub nbf: Instant,
    /// The first instant at which it is not valid any more.
    #[serde(with = "seconds")]
    pub exp: Instant,
    /// From when on a product should ask for a new one.
    #[serde(with = "seconds")]
    pub refresh_after: Instant,
    /// The licenses.
    pub grants: Vec<Grant>,
    /// Which host uses which unit.
    pub assignments: Vec<Assignment>,
    /// The failback units that the audience may use without asking.
    pub checked_out: Vec<CheckedOut>,
}

/// A license of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id.
    pub license_id: String,
    /// `dr` or `failback`.
    pub kind: String,
    /// Where it comes from: `purchase`, `bonus`, `code`, `grant`.
    pub source: String,
    /// How many units it has; they are numbered from 1.
    pub total: u32,
    /// Its status when the file was issued.
    pub status: String,
    /// When it took effect.
    #[serde(with = "seconds")]
    pub activated_at: Instant,
    /// Its expiry.
    #[serde(with = "seconds")]
    pub expires_at: Instant,
    /// The end of its grace (L-7): running hosts go on until then.
    #[serde(with = "seconds")]
    pub ends_at: Instant,
}

/// A host and the unit that it uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The protected host.
    pub host: String,
    /// A license of the file.
    pub license_id: String,
    /// The number of the unit.
    pub unit: u32,
    /// Since when.
    #[serde(with = "seconds")]
    pub assigned_at: Instant,
}

/// A failback unit that may be used without asking; a [receipt](crate::ReceiptClaims) tells later what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckedOut {
    /// A license of the file.
    pub license_id: String,
    /// The number of the unit.
    pub unit: u32,
}

impl LicenseClaims {
    /// The text of the license file.
    ///
    /// # Errors
    /// [`Flaw::KeyMismatch`] when the certificate is of another key, [`Flaw::Inconsistent`] when no product would accept
    /// these claims.
    pub fn compose(&self, key: &PrivateKey, certificate: &Certificate) -> Result<String, Flaw> {
        if key.public() != certificate.key() {
            return Err(Flaw::KeyMismatch);
        }
        self.check_consistent()?;
        certificate.check_issuer(&self.iss)?;
        let license = jws::sign(Kind::License, self, key);
        Ok(format!("{license}\n{}\n", certificate.text()))
    }

    fn check_consistent(&self) -> Result<(), Contradiction> {
        if self.exp <= self.nbf || self.exp <= self.iat {
            return Err(Contradiction::NeverValid);
        }
        if self.refresh_after < self.iat || self.refresh_after > self.exp {
            return Err(Contradiction::RefreshOutside);
        }
        let totals: HashMap<&str, u32> = self.grants.iter().map(|grant| (&*grant.license_id, grant.total)).collect();
        if totals.len() != self.grants.len() {
            return Err(Contradiction::LicenseTwice);
        }
        let hosts: HashSet<&str> = self.assignments.iter().map(|assignment| &*assignment.host).collect();
        if hosts.len() != self.assignments.len() {
            return Err(Contradiction::HostTwice);
        }
        self.check_units(&totals)
    }

    fn check_units(&self, totals: &HashMap<&str, u32>) -> Result<(), Contradiction> {
        let assigned = self.assignments.iter().map(|assignment| (&*assignment.license_id, assignment.unit));
        let checked_out = self.checked_out.iter().map(|unit| (&*unit.license_id, unit.unit));
        let mut used = HashSet::new();
        for (license_id, unit) in assigned.chain(checked_out) {
            let total = *totals.get(license_id).ok_or(Contradiction::UnknownUnit)?;
            if unit == 0 || unit > total {
                return Err(Contradiction::UnknownUnit);
            }
            if !used.insert((license_id, unit)) {
                return Err(Contradiction::UnitTwice);
            }
        }
        Ok(())
    }
}

/// What a product knows, and so what it demands of a license file.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The root key that it has pinned.
    pub root: &'a PublicKey,
    /// What its clock shows.
    pub now: Instant,
    /// For whom the file must be made.
    pub audience: Option<&'a str>,
    /// The vendor from whom it must be.
    pub issuer: Option<&'a str>,
    /// The highest number of a file that it has accepted.
    pub highest_seq: Option<u64>,
    /// The latest time that it has seen: [`Verified::latest_seen`] of the file before, or what its clock showed since.
    pub latest_seen: Option<Instant>,
    /// The keys of which it has learned that they are revoked: [`Verified::revoked`] of the file before.
    pub revoked: &'a [String],
}

impl<'a> Expectation<'a> {
    /// Of a product that accepts its first license file, from anybody whom the root certifies and for anybody.
    #[must_use]
    pub const fn new(root: &'a PublicKey, now: Instant) -> Self {
        Self { root, now, audience: None, issuer: None, highest_seq: None, latest_seen: None, revoked: &[] }
    }
}

/// A license file that holds, and what to remember of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says. Remember `seq`.
    pub claims: LicenseClaims,
    /// The key that signed it.
    pub kid: String,
    /// To remember: all keys of which is known that they are revoked; sorted, each once.
    pub revoked: Vec<String>,
    /// To remember: the latest time that was seen, which is the time of this verification.
    pub latest_seen: Instant,
    /// Whether it is time to ask for a new file.
    pub is_refresh_due: bool,
}

/// Verifies a license file.
///
/// First the document: its form, its root, its signatures, its key, its claims. Then whether it is for this product, and
/// only then the time.
///
/// # Errors
/// See [`Flaw`]: the first thing that is wrong.
pub fn verify(text: &str, expectation: &Expectation<'_>) -> Result<Verified, Flaw> {
    let (license_text, certificate_text) = lines(text).ok_or(Flaw::MalformedFile)?;
    let license = Jws::parse(license_text, Kind::License)?;
    let certificate = Jws::parse(certificate_text, Kind::Certificate)?;
    let certificate = Certificate::open(&certificate, certificate_text, expectation.root)?;
    let claims: LicenseClaims = license.open(certificate.key(), Flaw::KeyMismatch)?;
    let revoked = certificate.revoked_with(expectation.revoked);
    certificate.check_not_revoked(&revoked)?;
    claims.check_consistent()?;
    certificate.check_issuer(&claims.iss)?;

    check_parties(&claims.iss, &claims.aud, expectation.issuer, expectation.audience)?;
    check_sequence(&claims, expectation)?;

    let now = expectation.now;
    check_clock(now, expectation.latest_seen)?;
    certificate.check_valid_at(now)?;
    check_valid_at(now, claims.nbf, claims.exp)?;

    Ok(Verified {
        kid: license.kid().to_owned(),
        revoked,
        latest_seen: now,
        is_refresh_due: now >= claims.refresh_after,
        claims,
    })
}

/// The two lines. Another line end is refused: it would be a second way to write the same file.
fn lines(text: &str) -> Option<(&str, &str)> {
    let (license, certificate) = text.strip_suffix('\n')?.split_once('\n')?;
    (!text.contains('\r') && !certificate.contains('\n')).then_some((license, certificate))
}

pub(crate) fn check_parties(iss: &str, aud: &str, issuer: Option<&str>, audience: Option<&str>) -> Result<(), Flaw> {
    if issuer.is_some_and(|issuer| issuer != iss) {
        return Err(Flaw::WrongIssuer { issuer: iss.to_owned() });
    }
    if audience.is_some_and(|audience| audience != aud) {
        return Err(Flaw::WrongAudience { audience: aud.to_owned() });
    }
    Ok(())
}

/// The same file may come again; an older one would bring back what was released since.
fn check_sequence(claims: &LicenseClaims, expectation: &Expectation<'_>) -> Result<(), Flaw> {
    match expectation.highest_seq {
        Some(highest) if claims.seq < highest => Err(Flaw::OlderSequence { seq: claims.seq, highest }),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn check_clock(now: Instant, latest_seen: Option<Instant>) -> Result<(), Flaw> {
    match latest_seen {
        Some(latest_seen) if now < latest_seen => Err(Flaw::ClockSetBack { now, latest_seen }),
        Some(_) | None => Ok(()),
    }
}

fn check_valid_at(now: Instant, nbf: Instant, exp: Instant) -> Result<(), Flaw> {
    if now < nbf {
        return Err(Flaw::NotYetValid { valid_from: nbf });
    }
    if now >= exp {
        return Err(Flaw::Expired { expired_at: exp });
    }
    Ok(())
}
