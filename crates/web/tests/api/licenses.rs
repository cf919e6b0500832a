//! Licenses through the API: bought, given, switched, suspended, revoked, expired.

use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop};

const NOW: &str = "2025-06-30T08:19:29Z";

fn dr_order(account: &str) -> Value {
    json!({"account_id": account, "product": "dr", "plan": "monthly", "quantity": 10, "auto_renew": true,
        "pay_with": "wallet", "consent": {"terms_version": "2025-01"}})
}

/// A body with one field changed; null leaves it out.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    let fields = body.as_object_mut().expect("an object");
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    body
}

async fn license(shop: &Shop, id: &str) -> Reply {
    shop.get(&format!("/v1/licenses/{id}")).await.is(200)
}

#[tokio::test]
async fn a_dr_license_takes_effect_at_once_and_brings_its_bonus() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;

    let order = shop.post("/v1/orders", with(dr_order(&account), "terms", json!(1))).await.is(201);
    let id = order.text_at("/license_id");
    let mut shown = license(&shop, id).await.json;

    assert_eq!((&order.json["state"], &order.json["amount"]), (&json!("completed"), &json!(75_000)));
    assert_eq!((&order.json["resource_id"], &order.json["checkout_url"]), (&json!(null), &json!(null)));
    assert_eq!(order.json["consent"], json!({"terms_version": "2025-01"}));
    assert_eq!(shown["order_id"], order.json["id"]);
    for name in ["id", "account_id", "order_id"] {
        shown[name] = json!(name);
    }
    let expected = json!({
        "id": "id", "account_id": "account_id", "kind": "dr", "source": "purchase", "product": "dr", "plan": "monthly",
        "terms": 1, "total": 10, "in_use": 0, "consumed": 0,
        "units": {"assigned": 0, "reserved": 0, "consumed": 0, "checked_out": 0, "free": 10},
        "service_life_days": 30, "activated_at": NOW, "expires_at": "2025-07-30T08:19:29Z",
        "ends_at": "2025-08-06T08:19:29Z", "status": "valid", "auto_renew": true,
        "next_attempt_at": "2025-07-30T08:19:29Z", "parent_id": null, "order_id": "order_id", "code_id": null,
        "reason": null, "ended_at": null,
    });
    assert_eq!(shown, expected);
    let bonus =
        shop.get(&format!("/v1/licenses?account_id={account}&source=bonus")).await.is(200).json["data"][0].clone();
    assert_eq!((&bonus["kind"], &bonus["total"], &bonus["parent_id"]), (&json!("failback"), &json!(10), &json!(id)));
    assert_eq!(
        (&bonus["expires_at"], &bonus["ends_at"]),
        (&json!("2025-07-30T08:19:29Z"), &json!("2025-07-30T08:19:29Z"))
    );
    assert_eq!((&bonus["auto_renew"], &bonus["product"]), (&json!(false), &json!(null)));
}

#[tokio::test]
async fn a_license_order_with_a_wrong_value_buys_nothing() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(1_000_000_000).await;
    let failback = json!({"account_id": account, "product": "failback", "plan": "quarter", "quantity": 1,
        "pay_with": "wallet", "consent": {"terms_version": "1"}});
    let dr = dr_order(&account);
    let cases = [
        (with(dr.clone(), "consent", json!(null)), "consent_required"),
        (with(dr.clone(), "auto_renew", json!(null)), "auto_renew_required"),
        (with(dr.clone(), "quantity", json!(0)), "invalid_quantity"),
        (with(dr.clone(), "quantity", json!(10_001)), "invalid_quantity"),
        (with(dr.clone(), "quantity", json!(-1)), "invalid_quantity"),
        (with(dr.clone(), "terms", json!(0)), "invalid_terms"),
        (with(dr.clone(), "until", json!("month_end")), "not_aligned"),
        (with(dr.clone(), "configuration", json!({"a": 1})), "not_configurable"),
        (with(dr.clone(), "consent", json!({"terms_version": ""})), "invalid_request"),
        (with(failback.clone(), "auto_renew", json!(true)), "auto_renew_not_supported"),
        (with(failback.clone(), "consent", json!(null)), "consent_required"),
    ];

    for (body, code) in cases {
        shop.post("/v1/orders", body).await.refused(422, code);
    }
    assert_eq!(shop.get("/v1/licenses").await.json["data"], json!([]));
    shop.post("/v1/orders", failback).await.is(201);
    shop.post("/v1/orders", with(dr, "configuration", json!({}))).await.is(201);
}

#[tokio::test]
async fn a_license_without_money_names_the_shortfall() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(74_000).await;

    let refused = shop.post("/v1/orders", dr_order(&account)).await.refused(402, "insufficient_balance");

    assert_eq!(refused.json["shortfall"], 1_000);
}

#[tokio::test]
async fn what_was_paid_for_is_not_refunded() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let order = shop.post("/v1/orders", dr_order(&account)).await.is(201).id();
    let url = format!("/v1/orders/{order}/refunds");

    shop.send_text("POST", &url, "").await.refused(409, "non_refundable");
    shop.post(&url, json!({"amount": 100, "reason": "bought twice"})).await.refused(409, "non_refundable");
    shop.post(&url, json!({"reason": ""})).await.invalid_at(&["/reason"]);
    shop.post(&url, json!({"amout": 1})).await.invalid_at(&["/amout"]);
    shop.post("/v1/orders/ord_nosuch/refunds", json!({})).await.refused(404, "not_found");
    assert_eq!(shop.cash(&account).await, 0);
}

#[tokio::test]
async fn only_a_bought_dr_license_has_a_switch() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let (bought, given) = (shop.buys_dr(&account, 1).await, shop.grants(&account, "dr", 1, 1).await);
    let turn =
        async |id: &str, on: bool| shop.send("PATCH", &format!("/v1/licenses/{id}"), json!({"auto_renew": on})).await;

    let off = turn(&bought, false).await.is(200);
    assert_eq!((&off.json["auto_renew"], &off.json["next_attempt_at"]), (&json!(false), &json!(null)));
    assert_eq!(turn(&bought, true).await.is(200).json["next_attempt_at"], "2025-07-30T08:19:29Z");
    turn(&given, true).await.refused(422, "auto_renew_not_supported");
    turn(&given, false).await.is(200);
    let wrong = shop.send("PATCH", &format!("/v1/licenses/{bought}"), json!({"auto_renew": "on"})).await;
    wrong.invalid_at(&["/auto_renew"]);
}

#[tokio::test]
async fn a_license_renews_or_goes_through_its_grace_to_its_end() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(15_000).await;
    let id = shop.buys_dr(&account, 1).await;

    shop.advance("2025-07-30T08:19:29Z").await;
    let renewed = license(&shop, &id).await;
    assert_eq!(
        (&renewed.json["status"], &renewed.json["expires_at"]),
        (&json!("valid"), &json!("2025-08-30T08:19:29Z"))
    );
    shop.advance("2025-08-31T08:19:29Z").await;
    let grace = license(&shop, &id).await;
    assert_eq!((&grace.json["status"], &grace.json["ends_at"]), (&json!("grace"), &json!("2025-09-06T08:19:29Z")));
    assert_eq!(grace.json["next_attempt_at"], "2025-09-01T08:19:29Z");
    shop.advance("2025-09-06T08:19:29Z").await;
    let ended = license(&shop, &id).await;
    assert_eq!((&ended.json["status"], &ended.json["ended_at"]), (&json!("expired"), &json!("2025-09-06T08:19:29Z")));

    let attempts = shop.get(&format!("/v1/licenses/{id}/attempts?limit=2")).await.is(200);
    let outcomes: Vec<_> =
        attempts.json["data"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "insufficient_balance"]);
    assert!(attempts.json["next_cursor"].is_string());
    let renewals = shop.get(&format!("/v1/orders?license_id={id}&kind=renewal")).await.is(200);
    assert_eq!(renewals.json["data"][0]["amount"], 7_500);
    let on = json!({"auto_renew": true});
    shop.send("PATCH", &format!("/v1/licenses/{id}"), on).await.refused(409, "license_ended");
}

#[tokio::test]
async fn the_forecast_names_licenses_and_resources() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(100_000).await;
    let (id, resource) = (shop.buys_dr(&account, 1).await, shop.buys(&account, "thirty").await);

    let forecast = shop.get(&format!("/v1/accounts/{account}/forecast?days=31")).await.is(200);

    let at = "2025-07-30T08:19:29Z";
    let expected = json!([
        {"at": at, "resource_id": resource, "license_id": null, "amount": 12_000},
        {"at": at, "resource_id": null, "license_id": id, "amount": 7_500},
    ]);
    assert_eq!(forecast.json["items"], expected);
}

#[tokio::test]
async fn the_summary_counts_live_units() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let key = shop.key_of(&account).await;
    shop.buys_dr(&account, 3).await;
    let suspended = shop.grants(&account, "dr", 100, 1).await;
    shop.post(&format!("/v1/licenses/{suspended}/suspend"), json!({"reason": "chargeback"})).await.is(200);
    shop.assigns(&account, "web-1").await;
    for job in ["job-1", "job-2"] {
        let body = json!({"account_id": account, "host": "web-1", "job_id": job});
        let failback = shop.post("/v1/failbacks", body).await.is(201).id();
        if job == "job-1" {
            shop.post(&format!("/v1/failbacks/{failback}/commit"), json!({})).await.is(200);
        }
    }

    let summary = shop.get_as(&key, "/v1/licenses/summary").await.is(200);

    let expected = json!({
        "dr": {"total": 3, "in_use": 1, "available": 2},
        "failback": {"total": 3, "reserved": 1, "consumed": 1, "checked_out": 0, "available": 1},
    });
    assert_eq!(summary.json, expected);
    let asked = shop.get(&format!("/v1/licenses/summary?account_id={account}")).await.is(200);
    assert_eq!(asked.json, expected);
    shop.get("/v1/licenses/summary").await.invalid_at(&["/account_id"]);
}

#[tokio::test]
async fn the_operator_gives_suspends_reinstates_and_revokes_with_a_reason() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let body = json!({"account_id": account, "kind": "failback", "quantity": 5, "term": {"unit": "year", "count": 1},
        "reason": "proof of concept"});

    let given = shop.post("/v1/licenses", body).await.is(201);
    let url = format!("/v1/licenses/{}", given.id());
    let say = |reason: &str| json!({ "reason": reason });

    assert_eq!((&given.json["source"], &given.json["reason"]), (&json!("grant"), &json!("proof of concept")));
    assert_eq!(given.json["expires_at"], "2026-06-30T08:19:29Z");
    shop.post(&format!("{url}/reinstate"), say("a mistake")).await.refused(409, "license_not_suspended");
    let suspended = shop.post(&format!("{url}/suspend"), say("chargeback")).await.is(200);
    assert_eq!((&suspended.json["status"], &suspended.json["reason"]), (&json!("suspended"), &json!("chargeback")));
    shop.post(&format!("{url}/suspend"), say("again")).await.is(200);
    assert_eq!(shop.post(&format!("{url}/reinstate"), say("paid")).await.is(200).json["status"], "valid");
    assert_eq!(shop.post(&format!("{url}/revoke"), say("bought twice")).await.is(200).json["status"], "revoked");
    shop.post(&format!("{url}/revoke"), say("again")).await.is(200);
    shop.post(&format!("{url}/suspend"), say("late")).await.refused(409, "license_ended");
    let events = shop.get("/v1/events?type=license.revoked").await.is(200);
    assert_eq!(events.json["data"][0]["data"], say("bought twice"));
    assert_eq!(events.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_revoked_license_takes_its_bonus_along_and_strands_its_hosts() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let bought = shop.buys_dr(&account, 2).await;
    let (first, second) = (shop.assigns(&account, "web-1").await, shop.assigns(&account, "web-2").await);
    let other = shop.grants(&account, "dr", 1, 12).await;

    shop.post(&format!("/v1/licenses/{bought}/revoke"), json!({"reason": "chargeback"})).await.is(200);

    let seat = async |id: &str| shop.get(&format!("/v1/assignments/{id}")).await.is(200).json["license_id"].clone();
    assert_eq!((seat(&first).await, seat(&second).await), (json!(other), json!(null)));
    let bonus = shop.get("/v1/licenses?source=bonus").await.is(200);
    assert_eq!(bonus.json["data"][0]["status"], "revoked");
    let reseated = shop.get("/v1/events?type=license.hosts_reseated").await.is(200);
    assert_eq!(reseated.json["data"][0]["data"], json!({"n_moved": 1, "n_stranded": 1, "stranded": ["web-2"]}));
}

#[tokio::test]
async fn the_history_of_a_license_says_who_used_which_unit() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let key = shop.key_of(&account).await;
    let id = shop.grants(&account, "dr", 1, 12).await;
    let assignment = shop.post_as(&key, "/v1/assignments", json!({"host": "web-1"})).await.is(201).id();
    shop.advance("2025-07-01T00:00:00Z").await;
    shop.post(&format!("/v1/assignments/{assignment}/move"), json!({"host": "web-2"})).await.is(200);

    let history = shop.get_as(&key, &format!("/v1/licenses/{id}/allocations")).await.is(200);

    let mut rows = history.json["data"].as_array().unwrap().clone();
    for row in &mut rows {
        assert!(row["id"].as_str().unwrap().starts_with("alc_"));
        row["id"] = json!("id");
    }
    let moved_at = "2025-07-01T00:00:00Z";
    let expected = [
        json!({"id": "id", "unit": 1, "user": "web-1", "started_at": NOW, "started_by": "customer",
            "ended_at": moved_at, "ended_by": "operator", "ending": "moved"}),
        json!({"id": "id", "unit": 1, "user": "web-2", "started_at": moved_at, "started_by": "operator",
            "ended_at": null, "ended_by": null, "ending": null}),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn licenses_are_found_by_what_they_are() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let bought = shop.buys_dr(&account, 1).await;
    let bonus = shop.get("/v1/licenses?source=bonus").await.text_at("/data/0/id").to_owned();
    let given = shop.grants(&account, "failback", 1, 1).await;
    shop.grants(&shop.account(0).await, "dr", 1, 1).await;
    shop.post(&format!("/v1/licenses/{given}/suspend"), json!({"reason": "a"})).await.is(200);
    let found = async |query: &str| {
        let page = shop.get(&format!("/v1/licenses?account_id={account}&{query}")).await.is(200);
        let rows = page.json["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(found("").await, [bought.clone(), bonus.clone(), given.clone()]);
    assert_eq!(found("kind=dr").await, std::slice::from_ref(&bought));
    assert_eq!(found("kind=failback&status=valid").await, [bonus]);
    assert_eq!(found("status=suspended").await, std::slice::from_ref(&given));
    assert_eq!(found("source=grant").await, [given]);
    assert_eq!(found("status=grace").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_license_product_says_what_its_units_are_for() {
    let shop = Shop::with_licenses(NOW).await;

    let product = shop.get("/v1/products/failback").await.is(200).json;

    let expected = json!({"kind": "license", "license_kind": "failback", "align": false, "exempt": false,
        "suspend": null, "policy": null, "hourly_policy": null});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&product[name], value, "{name}");
    }
    assert_eq!(shop.get("/v1/products/uhost").await.json["license_kind"], json!(null));
    let other_kind = json!({"name": "dr", "kind": "license", "license_kind": "failback"});
    shop.put("/v1/products/dr", other_kind).await.refused(409, "product_kind_fixed");
}

#[tokio::test]
async fn an_order_for_a_license_is_made_once_under_one_key() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(150_000).await;
    let call = || Call::with_key(OPERATOR).header("Idempotency-Key", "k1").body(dr_order(&account).to_string());

    let first = shop.call("POST", "/v1/orders", call()).await.is(201);
    let again = shop.call("POST", "/v1/orders", call()).await.is(201);

    assert_eq!((again.header("idempotency-replayed"), &first.json), ("true", &again.json));
    assert_eq!(shop.cash(&account).await, 75_000);
}
