//! Statements: the signed answer to "what may I do?", for this moment and this question only.

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::flaw::{Contradiction, Flaw};
use crate::jws::{self, Jws, Kind, V1};
use crate::key::{PrivateKey, PublicKey};
use crate::license_file::{check_clock, check_parties};
use crate::seconds;

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementClaims {
    /// The version.
    pub v: V1,
    /// The vendor.
    pub iss: String,
    /// Who asked.
    pub aud: String,
    /// The account that was asked about.
    pub sub: String,
    /// The host that was asked about, if it was about one.
    pub host: Option<String>,
    /// What the asker drew at random for this question: an answer of yesterday is none of today.
    pub nonce: String,
    /// When it was answered.
    #[serde(with = "seconds")]
    pub iat: Instant,
    /// The first instant at which the answer is not valid any more.
    #[serde(with = "seconds")]
    pub exp: Instant,
    /// The answer as a stable code.
    pub code: String,
    /// What may be done.
    pub allowed: Vec<String>,
    /// Until when it may be done as things stand.
    #[serde(default, with = "seconds::nullable")]
    pub until: Option<Instant>,
    /// Whether everything was known that the answer depends on.
    pub conclusive: bool,
    /// The license on which the answer rests.
    pub license_id: Option<String>,
    /// The unit of it.
    pub unit: Option<u32>,
}

impl StatementClaims {
    /// The statement, signed by a signing key.
    #[must_use]
    pub fn sign(&self, key: &PrivateKey) -> String {
        jws::sign(Kind::Statement, self, key)
    }
}

/// What the asker knows, and so what it demands of the answer.
#[derive(Debug, Clone, Copy)]
pub struct StatementExpectation<'a> {
    /// The root key that it has pinned.
    pub root: &'a PublicKey,
    /// What its clock shows.
    pub now: Instant,
    /// What it sent with the question.
    pub nonce: &'a str,
    /// Who it is.
    pub audience: Option<&'a str>,
    /// The vendor from whom the answer must be.
    pub issuer: Option<&'a str>,
    /// The latest time that it has seen.
    pub latest_seen: Option<Instant>,
    /// The keys of which it has learned that they are revoked.
    pub revoked: &'a [String],
}

impl<'a> StatementExpectation<'a> {
    /// Of an asker who has seen nothing before.
    #[must_use]
    pub const fn new(root: &'a PublicKey, now: Instant, nonce: &'a str) -> Self {
        Self { root, now, nonce, audience: None, issuer: None, latest_seen: None, revoked: &[] }
    }
}

/// Verifies a statement with the certificate of the key that signed it.
///
/// # Errors
/// See [`Flaw`]: the first thing that is wrong.
pub fn verify_statement(
    text: &str,
    certificate: &str,
    expectation: &StatementExpectation<'_>,
) -> Result<StatementClaims, Flaw> {
    let statement = Jws::parse(text, Kind::Statement)?;
    let certificate = Certificate::verify(certificate, expectation.root)?;
    let claims: StatementClaims = statement.open(certificate.key(), Flaw::KeyMismatch)?;
    certificate.check_not_revoked(&certificate.revoked_with(expectation.revoked))?;
    if claims.exp <= claims.iat {
        return Err(Contradiction::NeverValid.into());
    }
    certificate.check_issuer(&claims.iss)?;

    check_parties(&claims.iss, &claims.aud, expectation.issuer, expectation.audience)?;
    if claims.nonce != expectation.nonce {
        return Err(Flaw::WrongNonce);
    }

    let now = expectation.now;
    check_clock(now, expectation.latest_seen)?;
    certificate.check_valid_at(now)?;
    if now >= claims.exp {
        return Err(Flaw::Expired { expired_at: claims.exp });
    }
    Ok(claims)
}
