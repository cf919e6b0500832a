//! Idempotency keys and API keys (B-8).

use serde_json::json;

use crate::harness::TestSite;

#[test]
fn a_purchase_under_the_same_key_is_the_same_purchase_also_after_a_restart() {
    let mut site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(24_000);
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "wallet"});

    let first = site.operator.post_as("once", "/v1/orders", &body);
    site.stop();
    site.restart("2025-05-02 00:00:00");
    let again = site.operator.post_as("once", "/v1/orders", &body);
    let other = site.operator.post_as(
        "once",
        "/v1/orders",
        &json!({"account_id": account, "product": "uhost",
        "plan": "monthly", "pay_with": "wallet", "quantity": 2}),
    );

    assert_eq!((first.status, first.is_replay), (201, false));
    assert_eq!((again.status, again.is_replay), (201, true));
    assert_eq!(again.body, first.body);
    assert_eq!(other.refusal(), (422, "idempotency_key_reused"));
    assert_eq!(site.balance(&account).cash, 12_000);
    assert_eq!(site.orders(&format!("account_id={account}")).len(), 1);
    site.verify();
}

#[test]
fn a_refused_purchase_may_be_repeated_under_its_key_once_there_is_money() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(11_999);
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "wallet"});

    let refused = site.operator.post_as("later", "/v1/orders", &body);
    site.credits(&account, 1);
    let bought = site.operator.post_as("later", "/v1/orders", &body);

    assert_eq!(refused.refusal(), (402, "insufficient_balance"));
    assert_eq!((bought.status, bought.is_replay), (201, false));
    assert_eq!(site.balance(&account).cash, 0);
}

#[test]
fn the_keys_of_two_callers_are_two_keys() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(24_000);
    let customer = site.operator.with_key(&site.key_of(&account));
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "wallet"});

    let by_operator = site.operator.post_as("same", "/v1/orders", &body);
    let by_customer = customer.post_as("same", "/v1/orders", &body);

    assert_eq!((by_operator.status, by_customer.status, by_customer.is_replay), (201, 201, false));
    assert_ne!(by_operator.body["id"], by_customer.body["id"]);
    assert_eq!(by_customer.body["trigger"], "customer");
    assert_eq!(by_operator.body["trigger"], "operator");
}

#[test]
fn an_account_key_acts_for_its_account_and_sees_no_other() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let (mei, bo) = (site.customer(24_000), site.customer(24_000));
    let (own, foreign) = (site.buys(&mei, "uhost/monthly"), site.buys(&bo, "uhost/monthly"));
    let foreign_order = site.orders(&format!("account_id={bo}")).remove(0).id;
    let customer = site.operator.with_key(&site.key_of(&mei));
    let status = |path: &str| customer.get(path).status;

    let seen: Vec<serde_json::Value> = customer.list("/v1/resources");
    let events: Vec<serde_json::Value> = customer.list("/v1/events");

    assert_eq!(seen.iter().map(|resource| &resource["id"]).collect::<Vec<_>>(), [&json!(own)]);
    assert!(events.iter().all(|event| event["account_id"] == json!(mei)), "{events:?}");
    assert_eq!(
        [
            status(&format!("/v1/accounts/{bo}")),
            status(&format!("/v1/accounts/{bo}/balance")),
            status(&format!("/v1/accounts/{bo}/transactions")),
            status(&format!("/v1/accounts/{bo}/forecast")),
            status(&format!("/v1/resources/{foreign}")),
            status(&format!("/v1/resources/{foreign}/attempts")),
            status(&format!("/v1/orders/{foreign_order}")),
            status(&format!("/v1/orders?account_id={bo}")),
            status(&format!("/v1/resources?account_id={bo}")),
            status(&format!("/v1/events?account_id={bo}")),
            customer.delete(&format!("/v1/resources/{foreign}")).status,
            customer.patch(&format!("/v1/resources/{foreign}"), &json!({"auto_renew": false})).status,
            customer.post(&format!("/v1/resources/{foreign}/renewals"), &json!({})).status,
        ],
        [404; 13]
    );
    assert_eq!(
        [
            status("/v1/accounts"),
            customer.post("/v1/accounts", &json!({"name": "x", "email": "x@example.com", "currency": "CNY"})).status,
            customer.post(&format!("/v1/accounts/{mei}/credits"), &json!({"amount": 1, "kind": "cash"})).status,
            customer.post(&format!("/v1/accounts/{mei}/freezes"), &json!({"amount": 1, "reason": "x"})).status,
            customer.post(&format!("/v1/accounts/{mei}/api-keys"), &json!({"name": "x"})).status,
            customer.patch(&format!("/v1/accounts/{mei}"), &json!({"credit_limit": 1})).status,
            customer.put("/v1/products/uhost", &json!({"name": "x", "kind": "resource"})).status,
            customer.post("/v1/test-clock/advance", &json!({"to": site.now()})).status,
        ],
        [403; 8]
    );
    assert_eq!(site.operator.with_key("wrong-key-of-nobody").get("/v1/resources").refusal(), (401, "unauthorized"));
    assert_eq!(site.balance(&mei).cash, 12_000);
}
