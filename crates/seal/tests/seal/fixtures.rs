//! A vendor with a root and a signing key, a product that has pinned the root, and documents between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Instant;
use ed25519_dalek::{Signer, SigningKey};
use seal::{
    Assignment, Certificate, CertificateClaims, CheckedOut, Expectation, Flaw, Grant, LicenseClaims, PrivateKey,
    PublicKey, V1, Verified, verify,
};

pub const ROOT: [u8; 32] = [1; 32];
pub const KEY: [u8; 32] = [2; 32];
pub const OTHER_ROOT: [u8; 32] = [3; 32];
pub const OTHER_KEY: [u8; 32] = [4; 32];

pub const VENDOR: &str = "https://vendor.example";
pub const INSTALLATION: &str = "ins_01jz0000000000000000000001";

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Within the validity of everything below.
pub fn now() -> Instant {
    at("2025-07-01T00:00:00Z")
}

pub fn key(entropy: [u8; 32]) -> PrivateKey {
    PrivateKey::from_bytes(&entropy)
}

pub fn public(entropy: [u8; 32]) -> PublicKey {
    key(entropy).public().clone()
}

/// For a signing key, valid in 2025.
pub fn certificate_claims(entropy: [u8; 32]) -> CertificateClaims {
    let key = public(entropy);
    CertificateClaims {
        v: V1,
        iss: VENDOR.to_owned(),
        sub: key.kid().to_owned(),
        jwk: key,
        iat: at("2025-01-01T00:00:00Z"),
        nbf: at("2025-01-01T00:00:00Z"),
        exp: at("2026-01-01T00:00:00Z"),
        revoked: Vec::new(),
    }
}

/// The certificate with these claims, as the vendor's own root signs it.
pub fn certificate_of(claims: &CertificateClaims) -> Certificate {
    Certificate::verify(&claims.sign(&key(ROOT)), &public(ROOT)).unwrap()
}

pub fn certificate() -> Certificate {
    certificate_of(&certificate_claims(KEY))
}

/// Two licenses, two hosts, a unit checked out; valid in July 2025.
pub fn license_claims() -> LicenseClaims {
    LicenseClaims {
        v: V1,
        iss: VENDOR.to_owned(),
        aud: INSTALLATION.to_owned(),
        sub: "acc_01jz0000000000000000000001".to_owned(),
        jti: "lfl_01jz0000000000000000000001".to_owned(),
        seq: 7,
        iat: at("2025-06-30T08:00:00Z"),
        nbf: at("2025-06-30T07:55:00Z"),
        exp: at("2025-07-30T08:00:00Z"),
        refresh_after: at("2025-07-15T08:00:00Z"),
        grants: vec![grant("lic_1", "dr", 3), grant("lic_2", "failback", 2)],
        assignments: vec![assignment("web-1", 1), assignment("web-2", 2)],
        checked_out: vec![CheckedOut { license_id: "lic_2".to_owned(), unit: 1 }],
    }
}

fn grant(license_id: &str, kind: &str, total: u32) -> Grant {
    Grant {
        license_id: license_id.to_owned(),
        kind: kind.to_owned(),
        source: "purchase".to_owned(),
        total,
        status: "valid".to_owned(),
        activated_at: at("2025-06-30T08:19:29Z"),
        expires_at: at("2025-09-30T08:19:29Z"),
        ends_at: at("2025-10-07T08:19:29Z"),
    }
}

fn assignment(host: &str, unit: u32) -> Assignment {
    let assigned_at = at("2025-06-30T09:00:00Z");
    Assignment { host: host.to_owned(), license_id: "lic_1".to_owned(), unit, assigned_at }
}

pub fn license_file() -> String {
    license_claims().compose(&key(KEY), &certificate()).unwrap()
}

/// What the product demands that has pinned the root.
pub fn expectation(root: &PublicKey) -> Expectation<'_> {
    Expectation { audience: Some(INSTALLATION), issuer: Some(VENDOR), ..Expectation::new(root, now()) }
}

pub fn verified(text: &str) -> Result<Verified, Flaw> {
    verify(text, &expectation(&public(ROOT)))
}

/// The code of the flaw that a product with these demands finds, or `accepted`.
pub fn outcome(text: &str, change: impl FnOnce(&mut Expectation<'_>)) -> &'static str {
    let root = public(ROOT);
    let mut expectation = expectation(&root);
    change(&mut expectation);
    verify(text, &expectation).map_or_else(|flaw| flaw.code(), |_| "accepted")
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// A JWS over any header and claims, made without the code under test.
pub fn forge(header: &str, claims: &str, entropy: [u8; 32]) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = SigningKey::from_bytes(&entropy).sign(signed.as_bytes());
    format!("{signed}.{}", encode(signature.to_bytes()))
}

pub fn header(typ: &str, entropy: [u8; 32]) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{}"}}"#, key(entropy).kid())
}

/// Header, claims and signature of a line.
pub fn segments(line: &str) -> [&str; 3] {
    line.split('.').collect::<Vec<_>>().try_into().unwrap()
}
