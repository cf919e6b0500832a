//! The question what a host may do (L-7).

use domain::time::Instant;
use seal::{StatementExpectation, verify_statement};
use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop, VENDOR};

const NOW: &str = "2025-06-30T08:19:29Z";
const NONCE: &str = "9f86d081884c7d65";

async fn ask(shop: &Shop, account: &str, host: Option<&str>) -> Reply {
    let mut body = json!({"account_id": account, "nonce": NONCE});
    if let Some(host) = host {
        body["host"] = json!(host);
    }
    shop.post("/v1/validate", body).await.is(200)
}

fn word(reply: &Reply) -> (&str, Value) {
    (reply.text_at("/code"), reply.json["allowed"].clone())
}

#[tokio::test]
async fn a_licensed_host_gets_a_signed_answer_to_its_own_question() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let license = shop.buys_dr(&account, 2).await;
    shop.assigns(&account, "web-1").await;

    let answer = ask(&shop, &account, Some("web-1")).await;

    let mut shown = answer.json.clone();
    for name in ["statement", "certificate"] {
        shown[name] = json!(name);
    }
    let expected = json!({"code": "valid", "allowed": ["protect", "sync", "drill", "takeover", "failback"],
        "until": "2025-07-30T08:19:29Z", "conclusive": true, "license_id": license, "unit": 1, "at": NOW,
        "expires_at": "2025-06-30T09:19:29Z", "statement": "statement", "certificate": "certificate"});
    assert_eq!(shown, expected);
    let (root, now) = (shop.root().await, NOW.parse::<Instant>().unwrap());
    let expectation = StatementExpectation {
        audience: Some(&account),
        issuer: Some(VENDOR),
        ..StatementExpectation::new(&root, now, NONCE)
    };
    let (statement, certificate) = (answer.text_at("/statement"), answer.text_at("/certificate"));
    let claims = verify_statement(statement, certificate, &expectation).expect("a statement that holds");
    assert_eq!((claims.host.as_deref(), &*claims.code, claims.unit), (Some("web-1"), "valid", Some(1)));
    let other = StatementExpectation { nonce: "another nonce", ..expectation };
    assert_eq!(verify_statement(statement, certificate, &other).unwrap_err().code(), "wrong_nonce");
}

#[tokio::test]
async fn a_takeover_is_allowed_whatever_else_is_not() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(7_500).await;
    assert_eq!(word(&ask(&shop, &account, Some("web-1")).await), ("not_assigned", json!(["takeover"])));
    assert_eq!(word(&ask(&shop, &account, None).await), ("not_assigned", json!(["takeover"])));
    let license = shop.buys_dr(&account, 1).await;
    let with_failback = json!(["takeover", "failback"]);
    assert_eq!(word(&ask(&shop, &account, Some("web-1")).await), ("not_assigned", with_failback.clone()));
    shop.assigns(&account, "web-1").await;
    assert_eq!(word(&ask(&shop, &account, Some("web-2")).await), ("exhausted", with_failback.clone()));

    shop.advance("2025-07-25T08:19:29Z").await;
    assert_eq!(ask(&shop, &account, None).await.text_at("/code"), "expiring");
    shop.advance("2025-07-30T08:19:29Z").await;
    let grace = ask(&shop, &account, Some("web-1")).await;
    assert_eq!(word(&grace), ("grace", json!(["sync", "drill", "takeover"])));
    assert_eq!(grace.text_at("/until"), "2025-08-06T08:19:29Z");
    shop.post(&format!("/v1/licenses/{license}/suspend"), json!({"reason": "chargeback"})).await.is(200);
    assert_eq!(word(&ask(&shop, &account, Some("web-1")).await), ("suspended", json!(["takeover"])));
    shop.advance("2025-08-06T08:19:29Z").await;
    let stranded = ask(&shop, &account, Some("web-1")).await;
    assert_eq!(word(&stranded), ("stranded", json!(["takeover"])));
    assert_eq!((&stranded.json["license_id"], &stranded.json["until"]), (&json!(null), &json!(null)));
    assert_eq!(word(&ask(&shop, &account, None).await), ("expired", json!(["takeover"])));
}

#[tokio::test]
async fn an_answer_is_of_its_moment_whatever_key_is_sent() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let ask = async |nonce: &str| {
        let body = json!({"account_id": account, "nonce": nonce}).to_string();
        let call = Call::with_key(OPERATOR).header("Idempotency-Key", "k1").body(body);
        shop.call("POST", "/v1/validate", call).await.is(200)
    };

    let (first, second) = (ask("nonce-number-1").await, ask("nonce-number-2").await);

    assert_ne!(first.json["statement"], second.json["statement"]);
    assert_eq!(second.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_question_with_a_wrong_value_is_refused() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let key = shop.key_of(&account).await;
    let long = "n".repeat(201);

    for nonce in ["", "1234567", "12345678 ", "12345678\u{e9}", &long] {
        shop.post_as(&key, "/v1/validate", json!({ "nonce": nonce })).await.invalid_at(&["/nonce"]);
    }
    shop.post_as(&key, "/v1/validate", json!({"nonce": NONCE, "host": " a"})).await.invalid_at(&["/host"]);
    shop.post_as(&key, "/v1/validate", json!({})).await.invalid_at(&["/nonce"]);
    shop.post("/v1/validate", json!({ "nonce": NONCE })).await.invalid_at(&["/account_id"]);
    let nobody = json!({"account_id": "acc_01jtmxp1vyf5ntx9a1cqk8q4nk", "nonce": NONCE});
    shop.post("/v1/validate", nobody).await.refused(404, "not_found");
    let longest = "n".repeat(200);
    shop.post_as(&key, "/v1/validate", json!({ "nonce": longest })).await.is(200);
}
