//! Verifies a license file: verify FILE ROOT
//! Needs the crates ed25519-dalek 3, base64 and serde_json. In Rust the crate `seal` itself is shorter.
use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

fn decode(text: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "malformed_file".to_owned())
}

/// Whether the signature holds; `None` when it is none, or the key is none.
fn signature_holds(key: &[u8], signed: &str, signature: &[u8]) -> Option<bool> {
    let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = Signature::from_slice(signature).ok()?;
    Some(key.verify_strict(signed.as_bytes(), &signature).is_ok())
}

/// The claims of the line if it is signed with the key.
fn open(line: &str, typ: &str, key: &str, name: &str, kid: Option<&str>) -> Result<Value, String> {
    let malformed = || "malformed_file".to_owned();
    let (signed, signature) = line.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let header = String::from_utf8(decode(header)?).map_err(|_| malformed())?;
    let start = format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":""#);
    if !header.starts_with(&start) {
        return Err("wrong_type".to_owned());
    }
    if kid.is_some_and(|kid| header != format!("{start}{kid}\"}}")) {
        return Err("key_mismatch".to_owned());
    }
    if signature_holds(&decode(key)?, signed, &decode(signature)?) != Some(true) {
        return Err(format!("{name}_signature_invalid"));
    }
    serde_json::from_slice(&decode(claims)?).map_err(|_| malformed())
}

pub fn verify(text: &str, root: &str, now: i64) -> Result<Value, String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let [license, certificate, ""] = lines[..] else {
        return Err("malformed_file".to_owned());
    };
    let root = root.trim_start_matches("perennial-root-ed25519:");
    let certificate = open(certificate, "perennial-certificate+jws", root, "certificate", None)?;
    let kid = certificate["sub"].as_str();
    let key = certificate["jwk"]["x"].as_str().ok_or("malformed_file")?;
    let claims = open(license, "perennial-license+jws", key, "license", kid)?;
    let revoked = certificate["revoked"].as_array().ok_or("malformed_file")?;
    let time = |value: &Value| value.as_i64().ok_or("malformed_file");
    let checks = [
        (revoked.iter().any(|revoked| revoked.as_str() == kid), "key_revoked"),
        (now < time(&certificate["nbf"])?, "key_not_yet_valid"),
        (now >= time(&certificate["exp"])?, "key_expired"),
        (now < time(&claims["nbf"])?, "not_yet_valid"),
        (now >= time(&claims["exp"])?, "expired"),
    ];
    match checks.iter().find(|(is_so, _)| *is_so) {
        Some((_, code)) => Err((*code).to_owned()),
        None => Ok(claims),
    }
}

pub fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, root] = &arguments[..] else {
        return Err("usage: verify FILE ROOT".to_owned());
    };
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let now = i64::try_from(now.as_secs()).map_err(|error| error.to_string())?;
    println!("{}", verify(&text, root, now)?);
    Ok(())
}
