//! Signatures of notices: `Stripe-Signature: t=1614556800,v1=5257a8…`, an HMAC-SHA256 over `t`, a dot and the raw body.

use domain::time::Instant;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::port::NoticeRefusal;

const HEADER: &str = "stripe-signature";
/// How old a signature may be. None is of the future: then one of the clocks is wrong.
const AGE_SECONDS_MAX: i64 = 300;
/// Each needs work before anything is believed; the platform sends one for each secret that it still honors.
const N_SIGNATURES_MAX: usize = 16;

struct Signed<'a> {
    /// As it was written, because that was signed.
    time: &'a str,
    seconds: i64,
    signatures: Vec<[u8; 32]>,
}

/// Believes a body that one of the secrets signed at about this time.
pub(super) fn verify(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Instant,
) -> Result<(), NoticeRefusal> {
    if secrets.is_empty() {
        return Err(NoticeRefusal::NoSecret);
    }
    let signed = read(headers).ok_or(NoticeRefusal::NoSignature)?;
    if !is_made_by_one_of(secrets, &signed, body) {
        return Err(NoticeRefusal::WrongSignature);
    }
    match now.seconds().checked_sub(signed.seconds) {
        Some(0..=AGE_SECONDS_MAX) => Ok(()),
        Some(_) | None => Err(NoticeRefusal::NotOfThisTime),
    }
}

/// Two headers, or two times, would leave open which one was signed.
fn read(headers: &HeaderMap) -> Option<Signed<'_>> {
    let mut values = headers.get_all(HEADER).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (mut time, mut signatures) = (None, Vec::new());
    for part in value.split(',') {
        match part.trim().split_once('=')? {
            ("t", _) if time.is_some() => return None,
            ("t", text) => time = Some(text),
            ("v1", text) => signatures.push(bytes(text)?),
            // Other schemes are for tests of the platform, or of the future.
            _ => {}
        }
    }
    let time = time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()))?;
    let is_signed = (1..=N_SIGNATURES_MAX).contains(&signatures.len());
    Some(Signed { time, seconds: time.parse().ok()?, signatures }).filter(|_| is_signed)
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Compares everything with everything, so that the time it takes tells nothing.
fn is_made_by_one_of(secrets: &[SecretString], signed: &Signed<'_>, body: &[u8]) -> bool {
    let mut is_made = Choice::from(0);
    for secret in secrets {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("keys may have any length");
        mac.update(signed.time.as_bytes());
        mac.update(b".");
        mac.update(body);
        let ours: [u8; 32] = mac.finalize().into_bytes().into();
        for theirs in &signed.signatures {
            is_made |= ours.ct_eq(theirs);
        }
    }
    is_made.into()
}
