//! Seals: signed documents that verify without us: license files, statements, activation codes, receipts.
//!
//! Pure: no I/O, no clock, no randomness. What is random, such as the bytes of a new key, and `now` are arguments.
//!
//! ```text
//! root key ──certifies──> signing key ──signs──> license file, statement, activation code
//!                         installation's key ──signs──> receipt
//! ```
//!
//! A product pins the public root key, which changes hardly ever and lies in a safe. The signing key works every day; the
//! root certifies it for some months and says which keys are revoked. Every document is a compact JWS that anything can
//! verify that knows Ed25519: `docs/guide/verifying-license-files.md` shows it in six languages. All times in documents
//! are integers, seconds since 1970-01-01T00:00:00Z.
//!
//! ```
//! use domain::time::Instant;
//! use seal::{Certificate, CertificateClaims, Expectation, LicenseClaims, PrivateKey, V1, verify};
//!
//! // The vendor, once: a root key, and a certificate for a signing key.
//! let (root, key) = (PrivateKey::from_bytes(&[1; 32]), PrivateKey::from_bytes(&[2; 32]));
//! let at = |text: &str| text.parse::<Instant>().unwrap();
//! let certificate = CertificateClaims {
//!     v: V1,
//!     iss: "https://vendor.example".to_owned(),
//!     sub: key.kid().to_owned(),
//!     jwk: key.public().clone(),
//!     iat: at("2025-01-01T00:00:00Z"),
//!     nbf: at("2025-01-01T00:00:00Z"),
//!     exp: at("2026-01-01T00:00:00Z"),
//!     revoked: vec![],
//! };
//! let certificate = Certificate::verify(&certificate.sign(&root), root.public())?;
//!
//! // The vendor, for each file.
//! let claims = LicenseClaims {
//!     v: V1,
//!     iss: "https://vendor.example".to_owned(),
//!     aud: "ins_1".to_owned(),
//!     sub: "acc_1".to_owned(),
//!     jti: "lfl_1".to_owned(),
//!     seq: 1,
//!     iat: at("2025-06-30T08:00:00Z"),
//!     nbf: at("2025-06-30T07:55:00Z"),
//!     exp: at("2025-07-30T08:00:00Z"),
//!     refresh_after: at("2025-07-15T08:00:00Z"),
//!     grants: vec![],
//!     assignments: vec![],
//!     checked_out: vec![],
//! };
//! let text = claims.compose(&key, &certificate)?;
//!
//! // The product.
//! let expectation =
//!     Expectation { audience: Some("ins_1"), ..Expectation::new(root.public(), at("2025-07-01T00:00:00Z")) };
//! assert_eq!(verify(&text, &expectation)?.claims, claims);
//!
//! let late = Expectation { now: at("2025-08-01T00:00:00Z"), ..expectation };
//! assert_eq!(verify(&text, &late).unwrap_err().code(), "expired");
//! # Ok::<(), seal::Flaw>(())
//! ```
//!
//! Read in this order: [`Flaw`], `jws`, `key`, `certificate`, then `license_file`, the heart.

mod certificate;
mod code;
mod flaw;
mod jws;
mod key;
mod license_file;
mod locked;
mod receipt;
mod seconds;
mod statement;

pub use certificate::{Certificate, CertificateClaims};
pub use code::{CodeClaims, verify_code};
pub use flaw::{Contradiction, Flaw};
pub use jws::{Kind, V1};
pub use key::{InvalidKey, PrivateKey, PublicKey};
pub use license_file::{Assignment, CheckedOut, Expectation, Grant, LicenseClaims, Verified, verify};
pub use locked::{Fresh, LockedKey, Stretch, UnlockError};
pub use receipt::{ReceiptClaims, UnitReceipt, verify_receipt};
pub use statement::{StatementClaims, StatementExpectation, verify_statement};
