//! Statements.

use expect_test::expect;
use seal::{PublicKey, StatementClaims, StatementExpectation, V1, verify_statement};

use crate::fixtures::{
    INSTALLATION, KEY, OTHER_KEY, OTHER_ROOT, ROOT, VENDOR, at, certificate, certificate_claims, certificate_of,
    decode, encode, key, now, public, segments,
};

fn claims() -> StatementClaims {
    StatementClaims {
        v: V1,
        iss: VENDOR.to_owned(),
        aud: INSTALLATION.to_owned(),
        sub: "acc_01jz0000000000000000000001".to_owned(),
        host: Some("web-1".to_owned()),
        nonce: "q8Jr2w".to_owned(),
        iat: now(),
        exp: now().plus_seconds(300),
        code: "licensed".to_owned(),
        allowed: vec!["protect".to_owned(), "take_over".to_owned()],
        until: Some(at("2025-10-07T08:19:29Z")),
        conclusive: true,
        license_id: Some("lic_1".to_owned()),
        unit: Some(1),
    }
}

/// The code of the flaw that the asker finds, or `accepted`.
fn outcome(text: &str, change: impl FnOnce(&mut StatementExpectation<'_>)) -> &'static str {
    outcome_with(&public(ROOT), &[], text, change)
}

fn outcome_with(
    root: &PublicKey,
    revoked: &[String],
    text: &str,
    change: impl FnOnce(&mut StatementExpectation<'_>),
) -> &'static str {
    let mut expectation = StatementExpectation {
        audience: Some(INSTALLATION),
        issuer: Some(VENDOR),
        revoked,
        ..StatementExpectation::new(root, now(), "q8Jr2w")
    };
    change(&mut expectation);
    verify_statement(text, certificate().text(), &expectation).map_or_else(|flaw| flaw.code(), |_| "accepted")
}

#[test]
fn a_statement_gives_back_what_was_answered() {
    let root = public(ROOT);
    let text = claims().sign(&key(KEY));

    let expectation = StatementExpectation::new(&root, now(), "q8Jr2w");

    assert_eq!(verify_statement(&text, certificate().text(), &expectation).unwrap(), claims());
}

#[test]
fn what_a_statement_leaves_open_is_null() {
    let mut claims = claims();
    (claims.host, claims.until, claims.license_id, claims.unit) = (None, None, None, None);
    let text = claims.sign(&key(KEY));

    expect![[r#"{"v":1,"iss":"https://vendor.example","aud":"ins_01jz0000000000000000000001","sub":"acc_01jz0000000000000000000001","host":null,"nonce":"q8Jr2w","iat":1751328000,"exp":1751328300,"code":"licensed","allowed":["protect","take_over"],"until":null,"conclusive":true,"license_id":null,"unit":null}"#]].assert_eq(&decode(segments(&text)[1]));
    assert_eq!(outcome(&text, |_| {}), "accepted");
}

#[test]
fn a_statement_answers_one_question_for_one_asker_for_some_minutes() {
    let text = claims().sign(&key(KEY));

    assert_eq!(outcome(&text, |_| {}), "accepted");
    assert_eq!(outcome(&text, |asker| asker.nonce = "another"), "wrong_nonce");
    assert_eq!(outcome(&text, |asker| asker.audience = Some("ins_2")), "wrong_audience");
    assert_eq!(outcome(&text, |asker| asker.issuer = Some("https://other.example")), "wrong_issuer");
    assert_eq!(outcome(&text, |asker| asker.now = now().plus_seconds(299)), "accepted");
    assert_eq!(outcome(&text, |asker| asker.now = now().plus_seconds(300)), "expired");
    assert_eq!(outcome(&text, |asker| asker.latest_seen = Some(now().plus_seconds(1))), "clock_set_back");
}

#[test]
fn a_statement_needs_a_certified_key_that_is_valid() {
    let text = claims().sign(&key(KEY));
    let revoked = [key(KEY).kid().to_owned()];

    assert_eq!(outcome(&claims().sign(&key(OTHER_KEY)), |_| {}), "key_mismatch");
    assert_eq!(outcome_with(&public(OTHER_ROOT), &[], &text, |_| {}), "foreign_root");
    assert_eq!(outcome_with(&public(ROOT), &revoked, &text, |_| {}), "key_revoked");
    assert_eq!(outcome(&text, |asker| asker.now = at("2026-01-01T00:00:00Z")), "key_expired");
    assert_eq!(outcome(&text, |asker| asker.now = at("2024-12-31T23:59:59Z")), "key_not_yet_valid");
}

#[test]
fn a_statement_of_a_key_that_its_certificate_revokes_is_refused() {
    let root = public(ROOT);
    let mut certificate = certificate_claims(KEY);
    certificate.revoked = vec![certificate.sub.clone()];
    let expectation = StatementExpectation::new(&root, now(), "q8Jr2w");

    let text = claims().sign(&key(KEY));
    let flaw = verify_statement(&text, certificate_of(&certificate).text(), &expectation).unwrap_err();

    assert_eq!(flaw.code(), "key_revoked");
}

#[test]
fn a_changed_statement_is_refused() {
    let text = claims().sign(&key(KEY));
    let [header, _, signature] = segments(&text);
    let more = encode(serde_json::to_string(&claims()).unwrap().replace("web-1", "web-2"));

    assert_eq!(outcome(&format!("{header}.{more}.{signature}"), |_| {}), "statement_signature_invalid");
    assert_eq!(outcome(&text[1..], |_| {}), "malformed_statement");
    assert_eq!(outcome(certificate().text(), |_| {}), "wrong_type");
}

#[test]
fn a_statement_that_ends_before_it_is_made_is_refused() {
    let mut claims = claims();
    claims.exp = claims.iat;

    assert_eq!(outcome(&claims.sign(&key(KEY)), |_| {}), "inconsistent");
}
