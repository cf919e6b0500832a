//! The way of a resource through the API: bought, forecast, renewed, expired, deleted.

use serde_json::json;

use crate::shop::{Call, OPERATOR, Shop};

#[tokio::test]
async fn every_cent_of_an_order_can_be_explained() {
    let shop = Shop::at("2019-05-15T09:58:00Z").await;
    let account = shop.account(12_000).await;
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "until": "month_end",
        "pay_with": "wallet", "consent": {"terms_version": "1"}});

    let mut order = shop.post("/v1/orders", body).await.is(201).json;

    for id in ["id", "account_id", "resource_id"] {
        assert!(order[id].is_string());
        order[id] = json!(id);
    }
    let expected = json!({
        "id": "id", "account_id": "account_id", "kind": "purchase", "state": "completed", "trigger": "operator",
        "amount": 6291, "currency": "CNY", "resource_id": "resource_id", "license_id": null,
        "product": "uhost", "plan": "monthly",
        "lines": [{
            "description": "uhost monthly: 1404120 of 2678400 s of a month at 12000",
            "start": "2019-05-15T09:58:00Z", "end": "2019-05-31T16:00:00Z", "quantity": 1, "price": 12000,
            "term": {"unit": "month", "count": 1},
            "basis": {"kind": "part", "seconds": 1_404_120, "whole_seconds": 2_678_400, "share": 1},
            "amount": 6291,
        }],
        "start": "2019-05-15T09:58:00Z", "end": "2019-05-31T16:00:00Z",
        "created_at": "2019-05-15T09:58:00Z", "completed_at": "2019-05-15T09:58:00Z", "superseded_by": null,
        "consent": {"terms_version": "1"}, "checkout_url": null,
    });
    assert_eq!(order, expected);
}

#[tokio::test]
async fn a_resource_keeps_what_was_configured() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(12_000).await;
    let configuration = r#"{"z": 12345678901234567890123, "name": "web 1", "ratio": 1.10}"#;
    let body = format!(
        r#"{{"account_id": "{account}", "product": "uhost", "plan": "thirty", "pay_with": "wallet",
            "configuration": {configuration}}}"#
    );

    let order = shop.send_text("POST", "/v1/orders", body).await.is(201);
    let resource = shop.get(&format!("/v1/resources/{}", order.text_at("/resource_id"))).await.is(200);

    assert!(resource.text.contains(configuration), "{}", resource.text);
    let expected = json!({
        "product": "uhost", "plan": "thirty", "quantity": 1, "terms": 1, "state": "active", "in_arrears": false,
        "auto_renew": true, "started_at": "2025-05-08T02:00:00Z", "expires_at": "2025-06-07T02:00:00Z",
        "next_attempt_at": "2025-06-07T02:00:00Z", "suspend_at": null, "release_at": null, "ended_at": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&resource.json[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_purchase_without_money_names_the_shortfall() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(500).await;
    let body = json!({"account_id": account, "product": "uhost", "plan": "thirty", "pay_with": "wallet"});

    let refused = shop.post("/v1/orders", body).await.refused(402, "insufficient_balance");

    assert_eq!(refused.json["shortfall"], 11_500);
    assert_eq!(refused.json["title"], "Insufficient balance");
    assert_eq!(refused.json.get("needs_at_least"), None);
    assert_eq!(shop.n_orders(&account).await, 0);
}

#[tokio::test]
async fn a_preview_is_what_the_renewal_then_costs() {
    let shop = Shop::at("2019-04-15T09:58:00Z").await;
    let account = shop.account(100_000).await;
    let resource = shop.buys(&account, "monthly").await;
    let url = format!("/v1/resources/{resource}/renewals");

    let choice = json!({"until": "month_end"});
    let preview = shop.post(&format!("{url}/preview"), choice.clone()).await.is(200);
    let renewed = shop.post(&url, choice).await.is(201);

    assert_eq!(preview.json["amount"], 6291);
    for name in ["start", "end", "amount", "currency", "lines", "plan", "auto_renew_after"] {
        assert_eq!(preview.json[name], renewed.json[name], "{name}");
    }
    assert_eq!(shop.cash(&account).await, 100_000 - 12_000 - 6291);
}

#[tokio::test]
async fn a_late_renewal_that_is_too_short_names_the_terms_needed() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(12_000 + 100).await;
    let resource = shop.buys(&account, "hourly").await;
    shop.send("PATCH", &format!("/v1/resources/{resource}"), json!({"auto_renew": false})).await.is(200);
    shop.advance("2025-05-08T05:30:00Z").await;

    let refused = shop.post(&format!("/v1/resources/{resource}/renewals"), json!({"terms": 1})).await;
    assert_eq!(refused.refused(422, "term_too_short").json["needs_at_least"], 3);
    let renewed = shop.post(&format!("/v1/resources/{resource}/renewals"), json!({"terms": 3})).await.is(201);
    assert_eq!(renewed.json["auto_renew_after"], true);
}

#[tokio::test]
async fn the_forecast_says_when_the_balance_runs_out() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(24_000).await;
    let resource = shop.buys(&account, "thirty").await;

    let forecast = shop.get(&format!("/v1/accounts/{account}/forecast?days=90")).await.is(200);

    let expected = json!({
        "total": 24_000, "currency": "CNY", "balance_runs_out_at": "2025-07-07T02:00:00Z",
        "covers_until": "2025-08-06T02:00:00Z",
        "items": [
            {"at": "2025-06-07T02:00:00Z", "resource_id": resource, "license_id": null, "amount": 12_000},
            {"at": "2025-07-07T02:00:00Z", "resource_id": resource, "license_id": null, "amount": 12_000},
        ],
    });
    assert_eq!(forecast.json, expected);
}

#[tokio::test]
async fn an_expired_resource_is_in_arrears_until_it_is_deleted() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(12_000).await;
    let resource = shop.buys(&account, "thirty").await;
    let url = format!("/v1/resources/{resource}");
    shop.call("DELETE", &url, Call::with_key(OPERATOR)).await.refused(409, "resource_active");
    shop.advance("2025-06-08T02:00:00Z").await;

    let expired = shop.get(&url).await.is(200);
    assert_eq!((&expired.json["state"], &expired.json["in_arrears"]), (&json!("expired"), &json!(true)));
    assert_eq!(expired.json["suspend_at"], "2025-06-10T02:00:00Z");
    let deleted = shop.call("DELETE", &url, Call::with_key(OPERATOR)).await.is(200);
    assert_eq!((&deleted.json["state"], &deleted.json["in_arrears"]), (&json!("deleted"), &json!(false)));
    assert_eq!(deleted.json["ended_at"], "2025-06-08T02:00:00Z");
    shop.call("DELETE", &url, Call::with_key(OPERATOR)).await.refused(409, "deleted");
    shop.send("PATCH", &url, json!({"auto_renew": true})).await.refused(409, "deleted");
    shop.post(&format!("{url}/renewals"), json!({})).await.refused(409, "deleted");
    let revoked = shop.get(&format!("/v1/orders?resource_id={resource}&state=revoked")).await.is(200);
    assert_eq!(revoked.json["data"].as_array().unwrap().len(), 1);
    assert!(revoked.json["data"][0]["superseded_by"].is_string());
}

#[tokio::test]
async fn frozen_money_pays_nothing_until_it_is_free() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(12_000).await;
    let url = format!("/v1/accounts/{account}/freezes");
    let freeze = shop.post(&url, json!({"amount": 1, "reason": "deposit"})).await.is(201);
    let body = json!({"account_id": account, "product": "uhost", "plan": "thirty", "pay_with": "wallet"});

    let refused = shop.post("/v1/orders", body.clone()).await.refused(402, "insufficient_balance");
    assert_eq!(refused.json["shortfall"], 1);
    let balance = shop.get(&format!("/v1/accounts/{account}/balance")).await.is(200);
    let expected =
        json!({"currency": "CNY", "cash": 12_000, "gift": 0, "credit_limit": 0, "frozen": 1, "available": 11_999});
    assert_eq!(balance.json, expected);
    let lifted = shop.call("DELETE", &format!("{url}/{}", freeze.id()), Call::with_key(OPERATOR)).await.is(200);
    assert_eq!(lifted.json["lifted_at"], "2025-05-08T02:00:00Z");
    shop.post("/v1/orders", body).await.is(201);
}

#[tokio::test]
async fn a_product_is_shown_with_its_defaults() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;

    let later = json!({"unit": "day", "count": 30, "price": 15_000, "currency": "CNY", "effective_from": "2025-06-01T00:00:00Z"});
    shop.put("/v1/products/uhost/plans/thirty", later).await.is(200);
    let product = shop.get("/v1/products/uhost").await.is(200).json;

    assert_eq!(
        product["policy"],
        json!({"window": "PT24H", "suspend_after": "P3D", "release_after": "P10D", "warn_before": "PT24H"})
    );
    assert_eq!(
        product["hourly_policy"],
        json!({"window": "PT1H", "suspend_after": "PT1H", "release_after": "PT24H", "warn_before": "PT1H"})
    );
    let thirty = product["plans"].as_array().unwrap().iter().find(|plan| plan["plan"] == "thirty").unwrap();
    assert_eq!(thirty["price"], 12_000);
    assert_eq!(thirty["prices"][1]["renewals_from"], "2025-07-01T00:00:00Z");
    assert_eq!((&product["suspend"], &product["align"]), (&json!("after_window"), &json!(true)));
}

#[tokio::test]
async fn several_switches_are_turned_each_for_itself() {
    let shop = Shop::at("2025-05-08T02:00:00Z").await;
    let account = shop.account(24_000).await;
    let (first, second) = (shop.buys(&account, "thirty").await, shop.buys(&account, "thirty").await);

    let body = json!({"ids": [first, "nonsense", second], "auto_renew": false});
    let results = shop.post("/v1/resources/auto-renew", body).await.is(200);

    let oks: Vec<_> = results.json["data"].as_array().unwrap().iter().map(|row| row["ok"].as_bool().unwrap()).collect();
    assert_eq!(oks, [true, false, true]);
    assert_eq!(results.text_at("/data/2/id"), second);
    let off = shop.get("/v1/resources?auto_renew=false").await.is(200);
    assert_eq!(off.json["data"].as_array().unwrap().len(), 2);
}
