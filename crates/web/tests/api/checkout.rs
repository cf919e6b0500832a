//! Orders that wait for a payment, and the page where they are paid (B-3).

use engine::SiteClock;
use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop};

const NOW: &str = "2025-06-30T08:00:00Z";

fn order(account: &str) -> Value {
    json!({"account_id": account, "product": "dr", "plan": "monthly", "quantity": 2, "auto_renew": false,
        "pay_with": "checkout", "consent": {"terms_version": "2025-01"}})
}

async fn open(shop: &Shop, path: &str) -> Reply {
    shop.call("GET", path, Call::default()).await
}

#[tokio::test]
async fn an_order_for_the_platform_waits_and_nothing_is_bought() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let call = Call::with_key(OPERATOR).header("host", "billing.example:8080").body(order(&account).to_string());

    let pending = shop.call("POST", "/v1/orders", call).await.is(201);

    let expected = json!({"state": "pending_payment", "amount": 15_000, "license_id": null, "completed_at": null,
        "checkout_url": format!("http://billing.example:8080/checkout/{}", pending.id())});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&pending.json[name], value, "{name}");
    }
    assert_eq!(shop.get("/v1/licenses").await.json["data"], json!([]));
    let listed = shop.get("/v1/orders?state=pending_payment").await.is(200);
    assert_eq!(listed.json["data"][0]["checkout_url"], format!("/checkout/{}", pending.id()));
}

#[tokio::test]
async fn a_resource_can_wait_for_its_payment_too() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let body = json!({"account_id": account, "product": "uhost", "plan": "thirty", "pay_with": "checkout"});

    let pending = shop.post("/v1/orders", body).await.is(201);

    assert_eq!((&pending.json["state"], &pending.json["resource_id"]), (&json!("pending_payment"), &json!(null)));
    assert_eq!(shop.get("/v1/resources").await.json["data"], json!([]));
}

#[tokio::test]
async fn the_address_is_the_one_that_was_configured() {
    let options = web::Options { public_url: Some("https://billing.example/".to_owned()), ..web::Options::default() };
    let shop = Shop::with_clock(SiteClock::test(NOW.parse().unwrap()), options).await;
    shop.put("/v1/products/uhost", json!({"name": "a", "kind": "resource"})).await.is(200);
    let plan = json!({"unit": "month", "count": 1, "price": 12_000, "currency": "CNY"});
    shop.put("/v1/products/uhost/plans/monthly", plan).await.is(200);
    let account = shop.account(0).await;
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "checkout"});

    let call = Call::with_key(OPERATOR).header("host", "evil.example").body(body.to_string());
    let pending = shop.call("POST", "/v1/orders", call).await.is(201);

    assert_eq!(pending.json["checkout_url"], format!("https://billing.example/checkout/{}", pending.id()));
}

#[tokio::test]
async fn a_strange_host_is_not_repeated() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let call = Call::with_key(OPERATOR).header("host", "a.example/\"><b>").body(order(&account).to_string());

    let pending = shop.call("POST", "/v1/orders", call).await.is(201);

    assert_eq!(pending.json["checkout_url"], format!("/checkout/{}", pending.id()));
}

#[tokio::test]
async fn a_repeat_under_one_key_is_the_same_order() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let call = || Call::with_key(OPERATOR).header("Idempotency-Key", "k1").body(order(&account).to_string());

    let first = shop.call("POST", "/v1/orders", call()).await.is(201);
    let again = shop.call("POST", "/v1/orders", call()).await.is(201);

    assert_eq!((&first.json, again.header("idempotency-replayed")), (&again.json, "true"));
    assert_eq!(shop.n_orders(&account).await, 1);
}

#[tokio::test]
async fn the_page_says_what_is_owed_and_until_when() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201);
    let url = pending.text_at("/checkout_url");

    let page = open(&shop, url).await.is(503);

    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for words in ["Payment is not possible", "Nothing was charged", "150.00 CNY", "2025-06-30 16:30:00 (Asia/Shanghai)"]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    for secret in [&*account, &*pending.id(), "Shop 1", "billing@shop1.example"] {
        assert!(!page.text.contains(secret), "{secret}: {}", page.text);
    }
}

#[tokio::test]
async fn the_page_is_there_as_long_as_the_order_is_open() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201);
    let url = pending.text_at("/checkout_url");

    shop.advance("2025-06-30T08:29:59Z").await;
    open(&shop, url).await.is(503);
    shop.advance("2025-06-30T08:30:00Z").await;
    let closed = open(&shop, url).await.is(404);

    assert!(closed.text.contains("There is nothing to pay here"), "{}", closed.text);
    let order = shop.get(&format!("/v1/orders/{}", pending.id())).await.is(200);
    assert_eq!((&order.json["state"], &order.json["checkout_url"]), (&json!("closed"), &json!(null)));
    assert_eq!(shop.get("/v1/events?type=order.closed").await.text_at("/data/0/subject_id"), pending.id());
}

#[tokio::test]
async fn what_waits_for_no_payment_has_a_page_that_says_so() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(12_000).await;
    shop.buys(&account, "thirty").await;
    let paid = shop.get("/v1/orders").await.text_at("/data/0/id").to_owned();

    for id in [&*paid, "ord_01jtmxp1vyf5ntx9a1cqk8q4nk", "nonsense", "%00%ff", "%3Cb%3E"] {
        let page = open(&shop, &format!("/checkout/{id}")).await.is(404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{id}");
        assert!(!page.text.contains(id) && !page.text.contains("<b>"), "{}", page.text);
    }
}
