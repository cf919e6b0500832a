//! Who may what: an account key sees and does only its own.

use serde_json::json;

use crate::shop::{Call, Shop};

const NOW: &str = "2025-05-08T02:00:00Z";

#[tokio::test]
async fn what_belongs_to_another_account_is_not_found() {
    let shop = Shop::at(NOW).await;
    let (own, other) = (shop.account(36_000).await, shop.account(0).await);
    let key = shop.key_of(&other).await;
    let resource = shop.buys(&own, "thirty").await;
    let order = shop.get("/v1/orders").await.text_at("/data/0/id").to_owned();
    let reads = [
        format!("/v1/accounts/{own}"),
        format!("/v1/accounts/{own}/balance"),
        format!("/v1/accounts/{own}/transactions"),
        format!("/v1/accounts/{own}/forecast"),
        format!("/v1/orders/{order}"),
        format!("/v1/orders?account_id={own}"),
        format!("/v1/resources/{resource}"),
        format!("/v1/resources/{resource}/attempts"),
        format!("/v1/resources?account_id={own}"),
        format!("/v1/events?account_id={own}"),
    ];

    for path in &reads {
        shop.get_as(&key, path).await.refused(404, "not_found");
    }
    let resource_url = format!("/v1/resources/{resource}");
    shop.call("DELETE", &resource_url, Call::with_key(&key)).await.refused(404, "not_found");
    let off = Call::with_key(&key).body(r#"{"auto_renew": false}"#);
    shop.call("PATCH", &resource_url, off).await.refused(404, "not_found");
    shop.post_as(&key, &format!("{resource_url}/renewals"), json!({})).await.refused(404, "not_found");
    let buy = json!({"account_id": own, "product": "uhost", "plan": "thirty", "pay_with": "wallet"});
    shop.post_as(&key, "/v1/orders", buy).await.refused(404, "not_found");
    let many = json!({"ids": [resource, "nonsense"], "auto_renew": false});
    let results = shop.post_as(&key, "/v1/resources/auto-renew", many).await.is(200);
    assert_eq!(results.json["data"][0]["code"], "not_found");
    assert_eq!(
        results.json["data"][1],
        json!({"id": "nonsense", "ok": false, "code": "not_found",
        "detail": "there is no such thing"})
    );
    assert_eq!(shop.get(&resource_url).await.json["auto_renew"], true);
    assert_eq!(shop.cash(&own).await, 24_000);
}

#[tokio::test]
async fn lists_of_an_account_key_show_its_own() {
    let shop = Shop::at(NOW).await;
    let (own, other) = (shop.account(36_000).await, shop.account(36_000).await);
    let key = shop.key_of(&own).await;
    let mine = shop.buys(&own, "thirty").await;
    let theirs = shop.buys(&other, "thirty").await;

    let resources = shop.get_as(&key, "/v1/resources").await.is(200);
    assert_eq!(resources.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(resources.text_at("/data/0/id"), mine);
    let orders = shop.get_as(&key, &format!("/v1/orders?resource_id={theirs}")).await.is(200);
    assert_eq!(orders.json["data"], json!([]));
    let events = shop.get_as(&key, "/v1/events").await.is(200);
    assert!(events.json["data"].as_array().unwrap().iter().all(|event| event["account_id"] == *own));
}

#[tokio::test]
async fn what_only_the_operator_may_is_forbidden() {
    let shop = Shop::at(NOW).await;
    let own = shop.account(500).await;
    let key = shop.key_of(&own).await;
    let posts = [
        ("/v1/accounts".to_owned(), json!({"name": "a", "email": "a@a.example", "currency": "CNY"})),
        (format!("/v1/accounts/{own}/api-keys"), json!({"name": "a"})),
        (format!("/v1/accounts/{own}/credits"), json!({"amount": 100, "kind": "cash"})),
        (format!("/v1/accounts/{own}/freezes"), json!({"amount": 100, "reason": "a"})),
        ("/v1/test-clock/advance".to_owned(), json!({"to": "2025-06-08T02:00:00Z"})),
    ];

    for (path, body) in posts {
        shop.post_as(&key, &path, body).await.refused(403, "forbidden");
    }
    shop.get_as(&key, "/v1/accounts").await.refused(403, "forbidden");
    let writes = [
        ("PATCH", format!("/v1/accounts/{own}"), json!({"credit_limit": 1_000_000})),
        ("PUT", "/v1/products/ip".to_owned(), json!({"name": "a", "kind": "resource"})),
        (
            "PUT",
            "/v1/products/uhost/plans/free".to_owned(),
            json!({"unit": "month", "count": 1, "price": 0, "currency": "CNY"}),
        ),
    ];
    for (method, path, body) in writes {
        let call = Call::with_key(&key).body(body.to_string());
        shop.call(method, &path, call).await.refused(403, "forbidden");
    }
    assert_eq!(shop.cash(&own).await, 500);
}

#[tokio::test]
async fn a_customer_reads_the_catalog_and_acts_as_a_customer() {
    let shop = Shop::at(NOW).await;
    let own = shop.account(36_000).await;
    let key = shop.key_of(&own).await;

    shop.get_as(&key, "/v1/products/uhost").await.is(200);
    let body = json!({"product": "uhost", "plan": "thirty", "pay_with": "wallet"});
    let order = shop.post_as(&key, "/v1/orders", body).await.is(201);

    assert_eq!((&order.json["account_id"], &order.json["trigger"]), (&json!(own), &json!("customer")));
    let resource = order.text_at("/resource_id").to_owned();
    let renewed = shop.post(&format!("/v1/resources/{resource}/renewals"), json!({})).await.is(201);
    assert_eq!(renewed.json["trigger"], "operator");
}
