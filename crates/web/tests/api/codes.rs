//! Activation codes through the API (L-8).

use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop};

const NOW: &str = "2025-06-30T08:19:29Z";

fn five_units() -> Value {
    json!({"kind": "failback", "quantity": 5, "term": {"unit": "month", "count": 3}})
}

async fn redeem(shop: &Shop, account: &str, code: &str) -> Reply {
    shop.post("/v1/activation-codes/redeem", json!({"account_id": account, "code": code})).await
}

#[tokio::test]
async fn a_code_makes_one_license() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let key = shop.key_of(&account).await;

    let issued = shop.post("/v1/activation-codes", five_units()).await.is(201);
    let code = issued.text_at("/code");
    let license =
        shop.post_as(&key, "/v1/activation-codes/redeem", json!({"code": format!(" {code}\n")})).await.is(201);

    let expected = json!({"id": issued.id(), "code": code, "account_id": null, "kind": "failback", "quantity": 5,
        "term": {"unit": "month", "count": 3}, "created_at": NOW, "expires_at": null});
    assert_eq!(issued.json, expected);
    assert_eq!((&license.json["source"], &license.json["code_id"]), (&json!("code"), &json!(issued.id())));
    assert_eq!((&license.json["total"], &license.json["expires_at"]), (&json!(5), &json!("2025-09-30T08:19:29Z")));
    redeem(&shop, &account, code).await.refused(409, "already_redeemed");
    redeem(&shop, &shop.account(0).await, code).await.refused(409, "already_redeemed");
    let listed = shop.get("/v1/activation-codes").await.is(200);
    let expected = json!([{"id": issued.id(), "account_id": null, "kind": "failback", "quantity": 5,
        "term": {"unit": "month", "count": 3}, "created_at": NOW, "expires_at": null, "redeemed_by": account,
        "license_id": license.id(), "redeemed_at": NOW}]);
    assert_eq!(listed.json["data"], expected);
}

#[tokio::test]
async fn a_code_of_one_account_is_worth_nothing_to_another() {
    let shop = Shop::with_licenses(NOW).await;
    let (own, other) = (shop.account(0).await, shop.account(0).await);
    let mut body = five_units();
    body["account_id"] = json!(own);
    let issued = shop.post("/v1/activation-codes", body).await.is(201);
    let code = issued.text_at("/code");

    redeem(&shop, &other, code).await.refused(422, "unknown_activation_code");
    redeem(&shop, &own, code).await.is(201);
    shop.post("/v1/activation-codes/redeem", json!({"code": code})).await.invalid_at(&["/account_id"]);
}

#[tokio::test]
async fn a_code_that_does_not_hold_makes_nothing() {
    let shop = Shop::with_licenses(NOW).await;
    let elsewhere = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let code = shop.post("/v1/activation-codes", five_units()).await.is(201).text_at("/code").to_owned();
    let foreign = elsewhere.post("/v1/activation-codes", five_units()).await.is(201).text_at("/code").to_owned();
    let file = shop.post("/v1/license-files", json!({"account_id": account})).await.is(201).text;
    let (rest, signature) = code.rsplit_once('.').unwrap();
    let other_signature = foreign.rsplit_once('.').unwrap().1;
    assert_ne!(signature, other_signature);
    let cases = [
        (String::new(), "malformed_code"),
        ("PRNL-1234".to_owned(), "malformed_code"),
        (rest.to_owned(), "malformed_code"),
        (format!("{rest}.{other_signature}"), "code_signature_invalid"),
        (foreign, "unknown_key"),
        (file.lines().next().unwrap().to_owned(), "wrong_type"),
    ];

    for (text, expected) in cases {
        redeem(&shop, &account, &text).await.refused(422, expected);
    }
    assert_eq!(shop.get("/v1/licenses").await.json["data"], json!([]));
}

#[tokio::test]
async fn a_code_is_redeemed_in_time_or_never() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let mut body = five_units();
    body["expires_at"] = json!("2025-07-01T00:00:00Z");
    let issued = shop.post("/v1/activation-codes", body.clone()).await.is(201);
    shop.advance("2025-07-01T00:00:00Z").await;

    assert_eq!(issued.json["expires_at"], "2025-07-01T00:00:00Z");
    redeem(&shop, &account, issued.text_at("/code")).await.refused(422, "expired");
    shop.post("/v1/activation-codes", body).await.invalid_at(&["/expires_at"]);
}

#[tokio::test]
async fn a_code_for_an_impossible_license_is_not_made() {
    let shop = Shop::with_licenses(NOW).await;
    let term = |unit: &str, count: i64| json!({ "unit": unit, "count": count });
    let cases = [
        ("quantity", json!(0), "invalid_quantity"),
        ("quantity", json!(10_001), "invalid_quantity"),
        ("quantity", json!("5"), "invalid_request"),
        ("term", term("month", 0), "invalid_term"),
        ("term", term("year", 1_000_000), "invalid_term"),
        ("term", term("week", 1), "invalid_request"),
        ("kind", json!("gold"), "invalid_request"),
        ("expires_at", json!("soon"), "invalid_request"),
        ("account_id", json!("me"), "invalid_request"),
        ("code", json!("abc"), "invalid_request"),
    ];

    for (name, value, code) in cases {
        let mut body = five_units();
        body[name] = value;
        shop.post("/v1/activation-codes", body).await.refused(422, code);
    }
    let mut body = five_units();
    body["account_id"] = json!("acc_01jtmxp1vyf5ntx9a1cqk8q4nk");
    shop.post("/v1/activation-codes", body).await.refused(404, "not_found");
    assert_eq!(shop.get("/v1/activation-codes").await.json["data"], json!([]));
}

#[tokio::test]
async fn a_repeat_under_one_key_gives_the_same_code_and_the_same_license() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let send = async |key: &str, path: &str, body: &Value| {
        let call = Call::with_key(OPERATOR).header("Idempotency-Key", key).body(body.to_string());
        shop.call("POST", path, call).await.is(201)
    };

    let issued = send("k1", "/v1/activation-codes", &five_units()).await;
    let again = send("k1", "/v1/activation-codes", &five_units()).await;
    let body = json!({"account_id": account, "code": issued.text_at("/code")});
    let redeemed = send("k2", "/v1/activation-codes/redeem", &body).await;
    let replayed = send("k2", "/v1/activation-codes/redeem", &body).await;

    assert_eq!((&issued.json, again.header("idempotency-replayed")), (&again.json, "true"));
    assert_eq!((&redeemed.json, replayed.header("idempotency-replayed")), (&replayed.json, "true"));
    assert_eq!(shop.get("/v1/licenses").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeat_gives_the_same_license_also_after_the_code_expired() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let mut body = five_units();
    body["expires_at"] = json!("2025-07-01T00:00:00Z");
    let code = shop.post("/v1/activation-codes", body).await.is(201).text_at("/code").to_owned();
    let redeem = async || {
        let body = json!({"account_id": account, "code": code}).to_string();
        let call = Call::with_key(OPERATOR).header("Idempotency-Key", "k1").body(body);
        shop.call("POST", "/v1/activation-codes/redeem", call).await
    };
    let redeemed = redeem().await.is(201);
    shop.advance("2025-07-02T00:00:00Z").await;

    let again = redeem().await.is(201);

    assert_eq!((&redeemed.json["id"], again.header("idempotency-replayed")), (&again.json["id"], "true"));
}
