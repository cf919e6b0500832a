//! Certificates: the root says which key signs for a vendor, for how long, and which keys no longer do.

use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::flaw::{Contradiction, Flaw};
use crate::jws::{self, Jws, Kind, V1};
use crate::key::{PrivateKey, PublicKey};
use crate::seconds;

/// What a certificate says. Only the root signs it, so a stolen signing key can neither revoke nor un-revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateClaims {
    /// The version.
    pub v: V1,
    /// The vendor.
    pub iss: String,
    /// The name of the signing key.
    pub sub: String,
    /// The signing key.
    pub jwk: PublicKey,
    /// When it was issued.
    #[serde(with = "seconds")]
    pub iat: Instant,
    /// From when on the key is valid.
    #[serde(with = "seconds")]
    pub nbf: Instant,
    /// The first instant at which it is not valid any more.
    #[serde(with = "seconds")]
    pub exp: Instant,
    /// The names of all signing keys that are revoked.
    pub revoked: Vec<String>,
}

impl CertificateClaims {
    /// The certificate, signed by the root.
    #[must_use]
    pub fn sign(&self, root: &PrivateKey) -> String {
        jws::sign(Kind::Certificate, self, root)
    }
}

/// A certificate whose root and signature hold. Whether its key is valid depends on the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    text: String,
    claims: CertificateClaims,
}

impl Certificate {
    /// Reads a certificate of this root.
    ///
    /// # Errors
    /// [`Flaw::MalformedCertificate`], [`Flaw::WrongType`], [`Flaw::UnsupportedAlgorithm`], [`Flaw::ForeignRoot`],
    /// [`Flaw::CertificateSignatureInvalid`], [`Flaw::UnsupportedVersion`], [`Flaw::Inconsistent`].
    pub fn verify(text: &str, root: &PublicKey) -> Result<Self, Flaw> {
        Self::open(&Jws::parse(text, Kind::Certificate)?, text, root)
    }

    pub(crate) fn open(jws: &Jws<'_>, text: &str, root: &PublicKey) -> Result<Self, Flaw> {
        let claims: CertificateClaims = jws.open(root, Flaw::ForeignRoot)?;
        if claims.sub != claims.jwk.kid() {
            return Err(Contradiction::OtherKey.into());
        }
        if claims.nbf >= claims.exp {
            return Err(Contradiction::NeverValid.into());
        }
        Ok(Self { text: text.to_owned(), claims })
    }

    /// The line as it was signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &CertificateClaims {
        &self.claims
    }

    /// The certified key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.claims.jwk
    }

    /// All keys that are revoked, here or in certificates that were seen before; sorted, each once.
    pub(crate) fn revoked_with(&self, before: &[String]) -> Vec<String> {
        let mut revoked = [before, &self.claims.revoked].concat();
        revoked.sort();
        revoked.dedup();
        revoked
    }

    /// A key signs for the vendor of its certificate only: two vendors may share a root.
    pub(crate) fn check_issuer(&self, iss: &str) -> Result<(), Flaw> {
        if iss == self.claims.iss { Ok(()) } else { Err(Contradiction::OtherIssuer.into()) }
    }

    pub(crate) fn check_not_revoked(&self, revoked: &[String]) -> Result<(), Flaw> {
        let kid = self.key().kid();
        if revoked.iter().any(|revoked| revoked == kid) {
            return Err(Flaw::KeyRevoked { kid: kid.to_owned() });
        }
        Ok(())
    }

    pub(crate) fn check_valid_at(&self, now: Instant) -> Result<(), Flaw> {
        let CertificateClaims { nbf, exp, .. } = self.claims;
        if now < nbf {
            return Err(Flaw::KeyNotYetValid { valid_from: nbf });
        }
        if now >= exp {
            return Err(Flaw::KeyExpired { expired_at: exp });
        }
        Ok(())
    }
}
