//! Money from outside: bank transfers, recharges, unapplied money, notices (B-3, B-6, W-3).

use serde_json::{Value, json};

use crate::shop::{Call, Reply, Shop};

const NOW: &str = "2025-06-30T08:00:00Z";

fn order(account: &str) -> Value {
    json!({"account_id": account, "product": "dr", "plan": "monthly", "quantity": 2, "auto_renew": false,
        "pay_with": "checkout", "consent": {"terms_version": "2025-01"}})
}

async fn open(shop: &Shop, path: &str) -> Reply {
    shop.call("GET", path, Call::default()).await
}

/// Opens the page of an order, and gives the payment that it begins.
async fn payment_of(shop: &Shop, order: &str) -> String {
    open(shop, &format!("/checkout/{order}")).await.is(200);
    shop.get(&format!("/v1/payments?order_id={order}")).await.text_at("/data/0/id").to_owned()
}

async fn confirms(shop: &Shop, payment: &str, amount: i64, currency: &str) -> Reply {
    let arrived = json!({"amount": amount, "currency": currency, "reference": format!("bank {payment}")});
    shop.post(&format!("/v1/payments/{payment}/confirm"), arrived).await
}

async fn is_sound(shop: &Shop) {
    let findings = shop.engine.store().verify().await.expect("a store");
    assert_eq!(findings, []);
}

#[tokio::test]
async fn a_license_is_active_when_the_transfer_is_confirmed_and_brings_its_bonus() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
    let page = open(&shop, &format!("/checkout/{pending}")).await.is(200);
    let payment = payment_of(&shop, &pending).await;
    shop.advance("2025-07-02T08:00:00Z").await;
    let waiting = open(&shop, &format!("/checkout/{pending}/return")).await.is(200);

    let paid = confirms(&shop, &payment, 15_000, "CNY").await.is(200);
    let again = confirms(&shop, &payment, 15_000, "CNY").await.is(200);

    assert!(page.text.contains(&payment) && page.text.contains("Bank of &lt;Examples&gt;"), "{}", page.text);
    assert!(waiting.text.contains("Not paid yet"), "{}", waiting.text);
    assert_eq!(paid.text_at("/state"), "succeeded");
    assert_eq!(paid.json, again.json);
    let done = shop.get(&format!("/v1/orders/{pending}")).await.is(200);
    let expected = [("state", json!("completed")), ("start", json!("2025-07-02T08:00:00Z")), ("amount", json!(15_000))];
    expected.iter().for_each(|(name, value)| assert_eq!(&done.json[name], value, "{name}"));
    let licenses = shop.get(&format!("/v1/licenses?account_id={account}")).await.is(200);
    assert_eq!(licenses.json["data"].as_array().expect("a list").len(), 2);
    assert_eq!(shop.get(&format!("/v1/accounts/{account}/balance")).await.json["cash"], json!(0));
    let booked = shop.get(&format!("/v1/accounts/{account}/transactions")).await.is(200);
    assert_eq!(
        (&booked.json["data"][0]["kind"], &booked.json["data"][0]["received"]),
        (&json!("payment"), &json!(15_000))
    );
    assert_eq!(booked.json["data"].as_array().expect("a list").len(), 1);
    is_sound(&shop).await;
}

#[tokio::test]
async fn the_order_waits_two_weeks_for_a_transfer_and_what_comes_within_a_day_still_buys() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
    let payment = payment_of(&shop, &pending).await;

    shop.advance("2025-07-14T07:59:59Z").await;
    let open = shop.get(&format!("/v1/orders/{pending}")).await.text_at("/state").to_owned();
    shop.advance("2025-07-14T09:00:00Z").await;
    let closed = shop.get(&format!("/v1/orders/{pending}")).await.text_at("/state").to_owned();
    confirms(&shop, &payment, 15_000, "CNY").await.is(200);

    assert_eq!((&*open, &*closed), ("pending_payment", "closed"));
    assert_eq!(shop.get(&format!("/v1/orders/{pending}")).await.text_at("/state"), "completed");
    is_sound(&shop).await;
}

#[tokio::test]
async fn the_page_of_a_transfer_is_there_as_long_as_its_order_waits() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
    let payment = payment_of(&shop, &pending).await;

    shop.advance("2025-07-14T07:59:59Z").await;
    let waiting = open(&shop, &format!("/checkout/{pending}")).await.is(200);
    shop.advance("2025-07-14T08:00:00Z").await;

    assert!(waiting.text.contains(&payment), "{}", waiting.text);
    open(&shop, &format!("/checkout/{pending}")).await.is(404);
}

#[tokio::test]
async fn money_that_comes_after_a_day_goes_to_the_wallet() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
    let payment = payment_of(&shop, &pending).await;

    shop.advance("2025-07-16T09:00:00Z").await;
    confirms(&shop, &payment, 15_000, "CNY").await.is(200);

    assert_eq!(shop.get(&format!("/v1/orders/{pending}")).await.text_at("/state"), "closed");
    assert_eq!(shop.get(&format!("/v1/accounts/{account}/balance")).await.json["cash"], json!(15_000));
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_recharge_renews_what_waits_for_money_before_the_next_request() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(12_000).await;
    let resource = shop.buys(&account, "thirty").await;
    shop.advance("2025-07-31T09:00:00Z").await;
    let pending = shop.post(&format!("/v1/accounts/{account}/recharges"), json!({"amount": 20_000})).await.is(201);
    let payment = payment_of(&shop, &pending.id()).await;

    let paid = confirms(&shop, &payment, 20_000, "CNY").await.is(200);

    assert_eq!((pending.text_at("/kind"), pending.text_at("/state")), ("recharge", "pending_payment"));
    assert_eq!(shop.get(&format!("/v1/resources/{resource}")).await.text_at("/state"), "active");
    assert_eq!(shop.get(&format!("/v1/accounts/{account}/balance")).await.json["cash"], json!(8_000));
    assert!(paid.text_at("/receipt_number").ends_with("-3"), "{}", paid.text);
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_recharge_is_within_its_limits() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let url = format!("/v1/accounts/{account}/recharges");

    for amount in [99, 1_000_001] {
        shop.post(&url, json!({"amount": amount})).await.refused(422, "recharge_out_of_range");
    }
    shop.post(&url, json!({"amount": 100})).await.is(201);
    let limits = shop.get(&format!("/v1/accounts/{account}/recharge-limits")).await.is(200);
    assert_eq!(limits.json, json!({"currency": "CNY", "min": 100, "max": 1_000_000, "suggested": [10_000]}));
}

#[tokio::test]
async fn other_money_than_was_asked_for_is_held_and_credited_once() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    for (amount, currency, reason) in [(14_999, "CNY", "amount"), (15_000, "USD", "currency")] {
        let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
        let payment = payment_of(&shop, &pending).await;
        let held = confirms(&shop, &payment, amount, currency).await.is(200);
        assert_eq!(held.text_at("/state"), "quarantined");
        let unapplied = shop.get("/v1/unapplied?state=held").await.is(200);
        let last = unapplied.json["data"].as_array().expect("a list").last().expect("a row").clone();
        assert_eq!((&last["reason"], &last["amount"]), (&json!(reason), &json!(amount)));
    }
    let held = shop.get("/v1/unapplied?state=held").await.is(200);
    let (short, foreign) = (held.text_at("/data/0/id").to_owned(), held.text_at("/data/1/id").to_owned());
    let to = json!({"account_id": account});

    shop.post(&format!("/v1/unapplied/{short}/credit"), to.clone()).await.is(200);
    shop.post(&format!("/v1/unapplied/{short}/credit"), to.clone()).await.refused(409, "not_held");
    shop.post(&format!("/v1/unapplied/{foreign}/credit"), to).await.refused(422, "currency_mismatch");

    assert!(
        shop.get(&format!("/v1/licenses?account_id={account}")).await.json["data"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
    assert_eq!(shop.get(&format!("/v1/accounts/{account}/balance")).await.json["cash"], json!(14_999));
    assert_eq!(shop.get("/v1/events?type=payment.unapplied").await.json["data"].as_array().expect("a list").len(), 2);
    is_sound(&shop).await;
}

#[tokio::test]
async fn one_movement_of_the_bank_pays_one_payment() {
    let shop = Shop::with_transfers(NOW).await;
    let account = shop.account(0).await;
    let mut payments = Vec::new();
    for _ in 0..2 {
        let pending = shop.post("/v1/orders", order(&account)).await.is(201).id();
        payments.push(payment_of(&shop, &pending).await);
    }
    let arrived = json!({"amount": 15_000, "currency": "CNY", "reference": "bank 4711"});

    shop.post(&format!("/v1/payments/{}/confirm", payments[0]), arrived.clone()).await.is(200);
    shop.post(&format!("/v1/payments/{}/confirm", payments[1]), arrived).await.refused(409, "conflict");

    assert_eq!(shop.get(&format!("/v1/payments/{}", payments[1])).await.text_at("/state"), "created");
    is_sound(&shop).await;
}

#[tokio::test]
async fn without_a_card_platform_no_notice_is_believed() {
    let shop = Shop::with_transfers(NOW).await;

    let call = Call::default().header("stripe-signature", "t=1,v1=00").body("{}");
    shop.call("POST", "/v1/webhooks/stripe", call).await.refused(400, "invalid_notice");
}
