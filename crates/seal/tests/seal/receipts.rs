//! Receipts of installations.

use expect_test::expect;
use seal::{ReceiptClaims, UnitReceipt, V1, verify_receipt};

use crate::fixtures::{INSTALLATION, OTHER_KEY, at, certificate, decode, forge, header, key, now, public, segments};

/// The installation's own key.
const DEVICE: [u8; 32] = [9; 32];

fn claims() -> ReceiptClaims {
    ReceiptClaims {
        v: V1,
        iss: INSTALLATION.to_owned(),
        aud: "acc_01jz0000000000000000000001".to_owned(),
        counter: 3,
        iat: now(),
        units: vec![
            UnitReceipt {
                license_id: "lic_2".to_owned(),
                unit: 1,
                used: true,
                job_id: Some("job-17".to_owned()),
                host: Some("web-1".to_owned()),
                used_at: Some(at("2025-06-30T22:00:00Z")),
            },
            UnitReceipt {
                license_id: "lic_2".to_owned(),
                unit: 2,
                used: false,
                job_id: None,
                host: None,
                used_at: None,
            },
        ],
    }
}

fn outcome(text: &str) -> &'static str {
    verify_receipt(text, &public(DEVICE)).map_or_else(|flaw| flaw.code(), |_| "accepted")
}

fn outcome_of(change: impl FnOnce(&mut ReceiptClaims)) -> &'static str {
    let mut claims = claims();
    change(&mut claims);
    outcome(&claims.sign(&key(DEVICE)))
}

#[test]
fn a_receipt_gives_back_what_the_installation_did() {
    let text = claims().sign(&key(DEVICE));

    assert_eq!(verify_receipt(&text, &public(DEVICE)).unwrap(), claims());
    expect![[r#"{"v":1,"iss":"ins_01jz0000000000000000000001","aud":"acc_01jz0000000000000000000001","counter":3,"iat":1751328000,"units":[{"license_id":"lic_2","unit":1,"used":true,"job_id":"job-17","host":"web-1","used_at":1751320800},{"license_id":"lic_2","unit":2,"used":false,"job_id":null,"host":null,"used_at":null}]}"#]].assert_eq(&decode(segments(&text)[1]));
}

#[test]
fn a_receipt_may_leave_out_what_is_null() {
    let json = r#"{"v":1,"iss":"i","aud":"a","counter":1,"iat":1751328000,"units":[{"license_id":"l","unit":2,"used":false}]}"#;
    let text = forge(&header("perennial-receipt+jws", DEVICE), json, DEVICE);

    assert_eq!(outcome(&text), "accepted");
}

#[test]
fn a_receipt_of_another_key_than_the_registered_one_is_refused() {
    let json = serde_json::to_string(&claims()).unwrap();
    let header = header("perennial-receipt+jws", DEVICE);

    assert_eq!(outcome(&claims().sign(&key(OTHER_KEY))), "unknown_key");
    assert_eq!(outcome(&forge(&header, &json, OTHER_KEY)), "receipt_signature_invalid");
    assert_eq!(outcome(&format!("{}x", claims().sign(&key(DEVICE)))), "malformed_receipt");
    assert_eq!(outcome(certificate().text()), "wrong_type");
}

#[test]
fn a_receipt_that_contradicts_itself_is_refused() {
    assert_eq!(outcome_of(|_| {}), "accepted");
    assert_eq!(outcome_of(|claims| claims.units.push(claims.units[0].clone())), "inconsistent");
    assert_eq!(outcome_of(|claims| claims.units[0].used_at = None), "inconsistent");
    assert_eq!(outcome_of(|claims| claims.units[0].used = false), "inconsistent");
}
