//! Activation codes.

use expect_test::expect;
use seal::{CodeClaims, V1, verify_code};

use crate::fixtures::{KEY, OTHER_KEY, VENDOR, at, certificate, decode, encode, key, now, public, segments};

fn claims() -> CodeClaims {
    CodeClaims {
        v: V1,
        iss: VENDOR.to_owned(),
        jti: "cod_01jz0000000000000000000001".to_owned(),
        aud: Some("acc_01jz0000000000000000000001".to_owned()),
        kind: "dr".to_owned(),
        quantity: 10,
        unit: "month".to_owned(),
        count: 3,
        iat: at("2025-06-30T08:00:00Z"),
        exp: Some(at("2025-12-31T00:00:00Z")),
    }
}

fn outcome_at(text: &str, now: domain::time::Instant) -> &'static str {
    verify_code(text, &[public(OTHER_KEY), public(KEY)], now).map_or_else(|flaw| flaw.code(), |_| "accepted")
}

fn outcome(text: &str) -> &'static str {
    outcome_at(text, now())
}

#[test]
fn a_code_of_any_of_our_keys_gives_back_what_was_sold() {
    let keys = [public(KEY), public(OTHER_KEY)];

    assert_eq!(verify_code(&claims().sign(&key(KEY)), &keys, now()).unwrap(), claims());
    assert_eq!(verify_code(&claims().sign(&key(OTHER_KEY)), &keys, now()).unwrap(), claims());
}

#[test]
fn a_code_for_whoever_has_it_has_null_in_place_of_the_account() {
    let mut claims = claims();
    (claims.aud, claims.exp) = (None, None);
    let text = claims.sign(&key(KEY));

    expect![[r#"{"v":1,"iss":"https://vendor.example","jti":"cod_01jz0000000000000000000001","aud":null,"kind":"dr","quantity":10,"unit":"month","count":3,"iat":1751270400,"exp":null}"#]].assert_eq(&decode(segments(&text)[1]));
    assert_eq!(outcome(&text), "accepted");
}

#[test]
fn a_code_of_a_key_that_is_not_ours_is_refused() {
    let keys = [public(OTHER_KEY)];

    assert_eq!(verify_code(&claims().sign(&key(KEY)), &keys, now()).unwrap_err().code(), "unknown_key");
    assert_eq!(verify_code(&claims().sign(&key(KEY)), &[], now()).unwrap_err().code(), "unknown_key");
}

#[test]
fn a_changed_code_is_refused() {
    let text = claims().sign(&key(KEY));
    let [header, _, signature] = segments(&text);
    let more = encode(serde_json::to_string(&claims()).unwrap().replace(":10,", ":99,"));

    assert_eq!(outcome(&format!("{header}.{more}.{signature}")), "code_signature_invalid");
    assert_eq!(outcome(&format!("{text} ")), "malformed_code");
    assert_eq!(outcome(certificate().text()), "wrong_type");
}

#[test]
fn a_code_is_redeemed_before_its_end() {
    let text = claims().sign(&key(KEY));

    assert_eq!(outcome_at(&text, at("2025-12-30T23:59:59Z")), "accepted");
    assert_eq!(outcome_at(&text, at("2025-12-31T00:00:00Z")), "expired");
}

#[test]
fn a_code_for_nothing_is_refused() {
    let changed = |change: fn(&mut CodeClaims)| {
        let mut claims = claims();
        change(&mut claims);
        outcome(&claims.sign(&key(KEY)))
    };

    assert_eq!(changed(|claims| claims.quantity = 0), "inconsistent");
    assert_eq!(changed(|claims| claims.count = 0), "inconsistent");
    assert_eq!(changed(|claims| claims.exp = Some(claims.iat)), "inconsistent");
}
