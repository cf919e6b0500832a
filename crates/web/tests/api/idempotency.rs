//! B-8: the same key and the same body give the same answer again.

use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop};

const NOW: &str = "2025-05-08T02:00:00Z";

async fn post(shop: &Shop, key: &str, path: &str, body: &str) -> Reply {
    shop.call("POST", path, Call::with_key(OPERATOR).header("Idempotency-Key", key).body(body)).await
}

#[tokio::test]
async fn a_credit_under_one_key_is_booked_once() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let url = format!("/v1/accounts/{account}/credits");

    let first = post(&shop, "k1", &url, r#"{"amount": 500, "kind": "cash"}"#).await.is(201);
    let again = post(&shop, "k1", &url, r#"{ "kind":"cash", "amount": 500 }"#).await.is(201);

    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json, again.json);
    assert_eq!(shop.cash(&account).await, 500);
}

#[tokio::test]
async fn one_key_for_two_requests_is_refused() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let url = format!("/v1/accounts/{account}/credits");
    post(&shop, "k1", &url, r#"{"amount": 500, "kind": "cash"}"#).await.is(201);

    let other_body = post(&shop, "k1", &url, r#"{"amount": 501, "kind": "cash"}"#).await;
    other_body.refused(422, "idempotency_key_reused");
    let other_path = format!("/v1/accounts/{account}/freezes");
    let other_path = post(&shop, "k1", &other_path, r#"{"amount": 500, "reason": "deposit"}"#).await;
    other_path.refused(422, "idempotency_key_reused");
    assert_eq!(shop.cash(&account).await, 500);
}

#[tokio::test]
async fn a_purchase_and_a_renewal_are_replayed_as_they_were() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(100_000).await;
    let order = json!({"account_id": account, "product": "uhost", "plan": "hourly", "pay_with": "wallet"}).to_string();

    let bought = post(&shop, "k1", "/v1/orders", &order).await.is(201);
    let renewals = format!("/v1/resources/{}/renewals", bought.text_at("/resource_id"));
    let renewed = post(&shop, "k2", &renewals, "").await.is(201);
    let again = post(&shop, "k2", &renewals, "{}").await.is(201);

    assert_eq!(post(&shop, "k1", "/v1/orders", &order).await.is(201).json, bought.json);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(renewed.json, again.json);
    assert_eq!(renewed.json["auto_renew_after"], true);
    assert_eq!(shop.cash(&account).await, 99_800);
}

#[tokio::test]
async fn the_secret_of_an_api_key_is_shown_once() {
    let shop = Shop::at(NOW).await;
    let url = format!("/v1/accounts/{}/api-keys", shop.account(0).await);

    let first = post(&shop, "k1", &url, r#"{"name": "a"}"#).await.is(201);
    let again = post(&shop, "k1", &url, r#"{"name": "a"}"#).await.is(201);

    assert!(first.text_at("/key").starts_with("pk_"));
    assert_eq!(again.json["key"], json!(null));
    assert_eq!(first.json["id"], again.json["id"]);
}

#[tokio::test]
async fn an_account_is_opened_once_under_one_key() {
    let shop = Shop::at(NOW).await;
    let body = r#"{"name": "a", "email": "a@a.example", "currency": "CNY"}"#;

    let first = post(&shop, "k1", "/v1/accounts", body).await.is(201);
    let again = post(&shop, "k1", "/v1/accounts", body).await.is(201);

    assert_eq!(first.json, again.json);
    assert_eq!(shop.get("/v1/accounts").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn several_renewals_are_replayed_together() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(36_000).await;
    let (first, second) = (shop.buys(&account, "thirty").await, shop.buys(&account, "thirty").await);
    let body = json!({"items": [{"id": first}, {"id": second}, {"id": "nonsense"}]}).to_string();

    let done = post(&shop, "k1", "/v1/resources/renewals", &body).await.is(200);
    let again = post(&shop, "k1", "/v1/resources/renewals", &body).await.is(200);
    let other = json!({"items": [{"id": first, "terms": 2}]}).to_string();

    let codes = |reply: &Reply| {
        let rows = reply.json["data"].as_array().unwrap().clone();
        rows.iter().map(|row| (row["ok"].clone(), row["code"].clone())).collect::<Vec<_>>()
    };
    let expected =
        [(json!(true), json!(null)), (json!(false), json!("insufficient_balance")), (json!(false), json!("not_found"))];
    assert_eq!(codes(&done), expected);
    assert_eq!(codes(&again), expected);
    assert_eq!(done.json["data"][0]["order"]["id"], again.json["data"][0]["order"]["id"]);
    let reused = post(&shop, "k1", "/v1/resources/renewals", &other).await;
    reused.refused(422, "idempotency_key_reused");
    assert_eq!(shop.cash(&account).await, 0);
}

#[tokio::test]
async fn several_renewals_that_were_all_done_before_say_so() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(36_000).await;
    let resource = shop.buys(&account, "thirty").await;
    let body = json!({"items": [{ "id": resource }]}).to_string();

    let first = post(&shop, "k1", "/v1/resources/renewals", &body).await.is(200);
    let again = post(&shop, "k1", "/v1/resources/renewals", &body).await.is(200);

    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(shop.cash(&account).await, 12_000);
}

#[tokio::test]
async fn keys_belong_to_the_caller() {
    let shop = Shop::at(NOW).await;
    let (one, two) = (shop.account(12_000).await, shop.account(12_000).await);
    let (key_one, key_two) = (shop.key_of(&one).await, shop.key_of(&two).await);
    let body = json!({"product": "uhost", "plan": "thirty", "pay_with": "wallet"}).to_string();
    let buy = |key: &str| Call::with_key(key).header("Idempotency-Key", "k1").body(body.clone());

    let first = shop.call("POST", "/v1/orders", buy(&key_one)).await.is(201);
    let second = shop.call("POST", "/v1/orders", buy(&key_two)).await.is(201);

    assert_ne!(first.id(), second.id());
    assert_eq!(second.json["account_id"], two);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_characters() {
    let shop = Shop::at(NOW).await;
    let body = r#"{"name": "a", "email": "a@a.example", "currency": "CNY"}"#;

    for key in ["", "a b", "\t", &"k".repeat(256)] {
        post(&shop, key, "/v1/accounts", body).await.refused(422, "invalid_idempotency_key");
    }
    let two = Call::with_key(OPERATOR).header("Idempotency-Key", "a").header("Idempotency-Key", "b").body(body);
    shop.call("POST", "/v1/accounts", two).await.refused(422, "invalid_idempotency_key");
    post(&shop, &"k".repeat(255), "/v1/accounts", body).await.is(201);
}

/// Sends a write twice under one key, and gives its answer: the same both times.
async fn twice(shop: &Shop, path: &str, body: Value) -> Reply {
    let first = post(shop, path, path, &body.to_string()).await;
    let again = post(shop, path, path, &body.to_string()).await;
    let replayed = (first.header("idempotency-replayed"), again.header("idempotency-replayed"));
    assert!(first.status < 300 && replayed == ("", "true"), "{path}: {replayed:?} {}", first.text);
    assert_eq!((first.status, &first.text), (again.status, &again.text), "{path}");
    first
}

#[tokio::test]
async fn every_write_to_licenses_and_their_units_is_replayed() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let grant = |kind: &str, quantity: u32| json!({"account_id": account, "kind": kind, "quantity": quantity, "term": {"unit": "month", "count": 3}});
    let failback = |job: &str| json!({"account_id": account, "host": "web-1", "job_id": job});
    let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    let license = twice(&shop, "/v1/licenses", grant("dr", 3)).await.id();
    shop.post("/v1/licenses", grant("failback", 5)).await.is(201);
    let host = json!({"account_id": account, "host": "web-1"});
    let assignment = twice(&shop, "/v1/assignments", host).await.id();
    twice(&shop, "/v1/assignments/bulk", json!({"account_id": account, "items": [{"host": "web-2"}]})).await;
    twice(&shop, &format!("/v1/assignments/{assignment}/move"), json!({"host": "web-3"})).await;
    let committed = twice(&shop, "/v1/failbacks", failback("job-1")).await.id();
    twice(&shop, &format!("/v1/failbacks/{committed}/heartbeat"), json!({})).await;
    twice(&shop, &format!("/v1/failbacks/{committed}/commit"), json!({})).await;
    let cancelled = shop.post("/v1/failbacks", failback("job-2")).await.is(201).id();
    twice(&shop, &format!("/v1/failbacks/{cancelled}/cancel"), json!({})).await;
    let installation = json!({"account_id": account, "name": "site B", "public_key": key});
    let installation = twice(&shop, "/v1/installations", installation).await.id();
    twice(&shop, &format!("/v1/installations/{installation}/checkouts"), json!({"units": 2})).await;
    let other = json!({"account_id": account, "name": "site C", "public_key": key});
    let lost = shop.post("/v1/installations", other).await.is(201).id();
    let retirement = json!({"reason": "lost", "units": "return"});
    twice(&shop, &format!("/v1/installations/{lost}/retire"), retirement).await;
    twice(&shop, "/v1/license-files", json!({ "account_id": account })).await;
    let code = json!({"kind": "dr", "quantity": 1, "term": {"unit": "month", "count": 1}});
    let code = twice(&shop, "/v1/activation-codes", code).await.text_at("/code").to_owned();
    twice(&shop, "/v1/activation-codes/redeem", json!({"account_id": account, "code": code})).await;
    let reason = json!({"reason": "chargeback"});
    for action in ["suspend", "reinstate", "revoke"] {
        twice(&shop, &format!("/v1/licenses/{license}/{action}"), reason.clone()).await;
    }

    let summary = shop.get(&format!("/v1/licenses/summary?account_id={account}")).await.is(200);
    let expected = json!({
        "dr": {"total": 1, "in_use": 1, "available": 0},
        "failback": {"total": 5, "reserved": 0, "consumed": 1, "checked_out": 2, "available": 2},
    });
    assert_eq!(summary.json, expected);
}
