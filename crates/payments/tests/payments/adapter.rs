//! The adapter against a scripted platform on this machine: what it sends, and what it makes of the answers.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use domain::money::{Amount, Currency};
use domain::payment::PlatformName;
use domain::time::Instant;
use expect_test::{Expect, expect};
use payments::{
    Answer, Asked, Charge, Checkout, CheckoutLine, Failure, InvalidStripe, Means, Platform, Refund, Status, Stripe,
    StripeOptions,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const PAYMENT: &str = "pay_01jwp0g2x4f5evk2v0v1x7q3zc";
const ORDER: &str = "ord_01jwp0g2x4f5evk2v0v1x7q3zd";

#[derive(Clone)]
enum Line {
    Says(u16, String),
    /// It takes the request and never answers.
    Silence,
}

struct Heard {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

#[derive(Default)]
struct Script {
    lines: VecDeque<Line>,
    heard: Vec<Heard>,
}

/// A platform that says one prepared line after the other.
struct Scripted {
    script: Arc<Mutex<Script>>,
    platform: Platform,
}

fn says(status: u16, body: &Value) -> Line {
    Line::Says(status, body.to_string())
}

fn options(api_base: String) -> StripeOptions {
    StripeOptions {
        name: PlatformName::Sandbox,
        secret_key: "sk_test_topsecret".to_owned().into(),
        webhook_secrets: vec!["whsec_topsecret".to_owned().into()],
        api_base: Some(api_base),
        timeout: Duration::from_millis(500),
    }
}

fn platform_at(api_base: String) -> Platform {
    Platform::Stripe(Stripe::new(options(api_base)).unwrap())
}

async fn answer(script: Arc<Mutex<Script>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let line = {
        let mut script = script.lock().unwrap();
        script.heard.push(Heard { method, uri, headers, body: String::from_utf8(body.to_vec()).unwrap() });
        script.lines.pop_front().unwrap_or_else(|| Line::Says(418, "the script is at its end".to_owned()))
    };
    match line {
        Line::Says(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Line::Silence => std::future::pending().await,
    }
}

impl Scripted {
    async fn saying(lines: impl Into<VecDeque<Line>>) -> Self {
        let script = Arc::new(Mutex::new(Script { lines: lines.into(), heard: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&script);
        let router = axum::Router::new()
            .fallback(move |method, uri, headers, body| answer(Arc::clone(&shared), method, uri, headers, body));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, platform: platform_at(format!("http://{address}/")) }
    }

    /// What was sent, one parameter a line.
    fn heard(&self) -> String {
        let mut text = String::new();
        for heard in &self.script.lock().unwrap().heard {
            writeln!(text, "{} {}", heard.method, heard.uri).unwrap();
            if let Some(key) = heard.headers.get("idempotency-key") {
                writeln!(text, "Idempotency-Key: {}", key.to_str().unwrap()).unwrap();
            }
            heard.body.split('&').filter(|pair| !pair.is_empty()).for_each(|pair| writeln!(text, "  {pair}").unwrap());
        }
        text
    }

    fn check(&self, expected: &Expect) {
        expected.assert_eq(&self.heard());
    }
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn line(name: &str, quantity: u32, minor: i64) -> CheckoutLine {
    CheckoutLine { name: name.to_owned(), quantity, amount: amount(minor) }
}

fn checkout_of(code: &str, minor: i64, lines: Vec<CheckoutLine>) -> Checkout {
    Checkout {
        payment_id: PAYMENT.parse().unwrap(),
        order_id: ORDER.parse().unwrap(),
        amount: amount(minor),
        currency: currency(code),
        lines,
        is_subscription: false,
        saves_method: false,
        customer: None,
        email: None,
        expires_at: at("2027-01-15T08:30:00Z"),
        success_url: "https://shop.example/orders/1?paid=1&x={CHECKOUT_SESSION_ID}".to_owned(),
        cancel_url: "https://shop.example/orders/1".to_owned(),
    }
}

fn checkout() -> Checkout {
    checkout_of("USD", 12_000, vec![line("Protection & Ünits", 3, 12_000)])
}

fn charge() -> Charge {
    Charge {
        payment_id: PAYMENT.parse().unwrap(),
        order_id: ORDER.parse().unwrap(),
        amount: amount(12_000),
        currency: currency("USD"),
        description: "Renewal of 3 licenses".to_owned(),
        customer: "cus_1".to_owned(),
        method: "pm_1".to_owned(),
    }
}

fn refund() -> Refund {
    Refund { key: "una_7".to_owned(), movement: "pi_1".to_owned(), amount: amount(500), currency: currency("USD") }
}

fn asked(means: Means, reference: Option<&str>) -> Asked {
    Asked {
        payment_id: PAYMENT.parse().unwrap(),
        means,
        reference: reference.map(str::to_owned),
        customer: Some("cus_1".to_owned()),
        created_at: at("2027-01-15T08:00:00Z"),
    }
}

fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    object.as_object_mut().unwrap().extend(changes);
    object
}

fn session(changes: Value) -> Value {
    let metadata = json!({ "order_id": ORDER, "payment_id": PAYMENT });
    let session = json!({
        "id": "cs_test_1", "object": "checkout.session", "status": "open", "payment_status": "unpaid",
        "url": "https://pay.example/cs_test_1", "payment_intent": null, "client_reference_id": ORDER,
        "metadata": metadata,
    });
    with(session, changes)
}

fn intent(changes: Value) -> Value {
    let intent = json!({
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount_received": 12_000, "currency": "usd",
        "livemode": false, "customer": "cus_1", "setup_future_usage": null, "last_payment_error": null,
        "payment_method": { "id": "pm_1", "type": "card",
            "card": { "brand": "visa", "last4": "4242", "exp_month": 3, "exp_year": 2034 } },
        "latest_charge": { "id": "ch_1", "disputed": false },
        "metadata": { "order_id": ORDER, "payment_id": PAYMENT },
    });
    with(intent, changes)
}

fn paid_session(intent: &Value) -> Value {
    session(json!({ "status": "complete", "payment_status": "paid", "url": null, "payment_intent": intent }))
}

fn list(objects: &[Value], has_more: bool) -> Value {
    json!({ "object": "list", "data": objects, "has_more": has_more })
}

fn error(code: &str) -> Value {
    json!({ "error": { "type": "invalid_request_error", "code": code, "message": "No." } })
}

fn missing() -> Line {
    says(404, &error("resource_missing"))
}

fn words<T: std::fmt::Debug>(answer: &Answer<T>) -> String {
    match answer {
        Ok(status) => format!("{status:?}"),
        Err(failure) => format!("{failure:?}"),
    }
}

async fn session_status(object: Value) -> String {
    let scripted = Scripted::saying([says(200, &object)]).await;
    words(&scripted.platform.status(&asked(Means::Checkout, Some("cs_test_1"))).await)
}

async fn intent_status(object: Value) -> String {
    let scripted = Scripted::saying([says(200, &object)]).await;
    words(&scripted.platform.status(&asked(Means::OffSession, Some("pi_1"))).await)
}

async fn opened_with(line: Line) -> String {
    let scripted = Scripted::saying([line]).await;
    words(&scripted.platform.open(&checkout()).await)
}

async fn charged_with(line: Line) -> String {
    let scripted = Scripted::saying([line]).await;
    words(&scripted.platform.charge(&charge()).await)
}

/// The form of the lines for this checkout, or why it is refused.
async fn lines_of(checkout: &Checkout) -> String {
    let scripted = Scripted::saying([says(200, &session(json!({})))]).await;
    if let Err(failure) = scripted.platform.open(checkout).await {
        return failure.to_string();
    }
    let script = scripted.script.lock().unwrap();
    let pairs = script.heard[0].body.split('&').filter(|pair| pair.starts_with("line_items"));
    pairs.map(|pair| pair.replace("line_items", "").replace("[price_data]", "")).collect::<Vec<_>>().join(" ")
}

async fn units(code: &str, minor: i64) -> String {
    lines_of(&checkout_of(code, minor, vec![line("A", 1, minor)])).await
}

#[tokio::test]
async fn a_checkout_is_opened_with_everything_that_is_known() {
    let scripted = Scripted::saying([says(200, &session(json!({})))]).await;
    let checkout =
        Checkout { is_subscription: true, saves_method: true, email: Some("a@b.example".to_owned()), ..checkout() };

    let opened = scripted.platform.open(&checkout).await;

    expect![[r#"Opened { reference: "cs_test_1", place: Page("https://pay.example/cs_test_1") }"#]]
        .assert_eq(&words(&opened));
    scripted.check(&expect![[r#"
        POST /v1/checkout/sessions
        Idempotency-Key: pay_01jwp0g2x4f5evk2v0v1x7q3zc
          mode=payment
          submit_type=subscribe
          payment_method_types[0]=card
          client_reference_id=ord_01jwp0g2x4f5evk2v0v1x7q3zd
          metadata[order_id]=ord_01jwp0g2x4f5evk2v0v1x7q3zd
          metadata[payment_id]=pay_01jwp0g2x4f5evk2v0v1x7q3zc
          payment_intent_data[metadata][order_id]=ord_01jwp0g2x4f5evk2v0v1x7q3zd
          payment_intent_data[metadata][payment_id]=pay_01jwp0g2x4f5evk2v0v1x7q3zc
          line_items[0][price_data][currency]=usd
          line_items[0][price_data][product_data][name]=Protection+%26+%C3%9Cnits
          line_items[0][price_data][unit_amount]=4000
          line_items[0][quantity]=3
          customer_email=a%40b.example
          payment_intent_data[setup_future_usage]=off_session
          customer_creation=always
          expires_at=1800001800
          success_url=https%3A%2F%2Fshop.example%2Forders%2F1%3Fpaid%3D1%26x%3D%7BCHECKOUT_SESSION_ID%7D
          cancel_url=https%3A%2F%2Fshop.example%2Forders%2F1
    "#]]);
}

#[tokio::test]
async fn every_call_names_the_version_the_key_and_the_program() {
    let scripted = Scripted::saying([says(200, &session(json!({})))]).await;

    scripted.platform.open(&checkout()).await.unwrap();

    let script = scripted.script.lock().unwrap();
    let header = |name: &str| script.heard[0].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("stripe-version"), "2026-05-27.dahlia");
    assert_eq!(header("authorization"), "Bearer sk_test_topsecret");
    assert_eq!(header("user-agent"), format!("Perennial/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_known_customer_takes_the_place_of_the_address() {
    let scripted = Scripted::saying([says(200, &session(json!({})))]).await;
    let checkout = Checkout {
        saves_method: true,
        customer: Some("cus_1".to_owned()),
        email: Some("a@b.example".to_owned()),
        ..checkout()
    };

    scripted.platform.open(&checkout).await.unwrap();

    let heard = scripted.heard();
    assert!(heard.contains("  customer=cus_1\n") && heard.contains("setup_future_usage]=off_session"));
    assert!(!heard.contains("customer_email") && !heard.contains("customer_creation"));
}

#[tokio::test]
async fn lines_keep_their_quantity_where_the_price_divides_evenly() {
    let mixed = vec![line("A", 3, 300), line("B", 3, 100), line("C", 0, 50)];
    expect!["[0][currency]=usd [0][product_data][name]=A [0][unit_amount]=100 [0][quantity]=3 [1][currency]=usd [1][product_data][name]=3+%C3%97+B [1][unit_amount]=100 [1][quantity]=1 [2][currency]=usd [2][product_data][name]=0+%C3%97+C [2][unit_amount]=50 [2][quantity]=1"].assert_eq(&lines_of(&checkout_of("USD", 450, mixed)).await);
    let odd = vec![line("A", 1, 300)];
    expect!["the payment platform refused: invalid_lines: the lines of the checkout do not add up to its amount"]
        .assert_eq(&lines_of(&checkout_of("USD", 301, odd)).await);
}

#[tokio::test]
async fn amounts_are_said_in_the_units_of_the_platform() {
    let mut text = String::new();
    let cases = [
        ("USD", 1234),
        ("JPY", 1234),
        ("KRW", 5),
        ("ISK", 5),
        ("UGX", 5),
        ("HUF", 1050),
        ("TWD", 1050),
        ("MGA", 500),
        ("MGA", 501),
        ("KWD", 1230),
        ("KWD", 1234),
        ("IQD", 1000),
        ("CLF", 10_000),
    ];
    for (code, minor) in cases {
        writeln!(text, "{minor} {code}: {}", units(code, minor).await).unwrap();
    }
    expect![[r#"
        1234 USD: [0][currency]=usd [0][product_data][name]=A [0][unit_amount]=1234 [0][quantity]=1
        1234 JPY: [0][currency]=jpy [0][product_data][name]=A [0][unit_amount]=1234 [0][quantity]=1
        5 KRW: [0][currency]=krw [0][product_data][name]=A [0][unit_amount]=5 [0][quantity]=1
        5 ISK: [0][currency]=isk [0][product_data][name]=A [0][unit_amount]=500 [0][quantity]=1
        5 UGX: [0][currency]=ugx [0][product_data][name]=A [0][unit_amount]=500 [0][quantity]=1
        1050 HUF: [0][currency]=huf [0][product_data][name]=A [0][unit_amount]=1050 [0][quantity]=1
        1050 TWD: [0][currency]=twd [0][product_data][name]=A [0][unit_amount]=1050 [0][quantity]=1
        500 MGA: [0][currency]=mga [0][product_data][name]=A [0][unit_amount]=5 [0][quantity]=1
        501 MGA: the payment platform refused: amount_not_supported: Stripe cannot take 5.01 MGA exactly: it has larger units
        1230 KWD: [0][currency]=kwd [0][product_data][name]=A [0][unit_amount]=1230 [0][quantity]=1
        1234 KWD: the payment platform refused: amount_not_supported: Stripe cannot take 1.234 KWD exactly: it has larger units
        1000 IQD: the payment platform refused: currency_not_supported: Stripe takes no IQD
        10000 CLF: the payment platform refused: currency_not_supported: Stripe takes no CLF
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn amounts_come_back_in_our_units() {
    let mut text = String::new();
    let cases = [
        ("usd", 1234),
        ("JPY", 1234),
        ("isk", 500),
        ("ugx", 550),
        ("mga", 5),
        ("kwd", 1230),
        ("iqd", 1),
        ("xyz", 1),
        ("usd", 0),
        ("usd", -1),
        ("usd", 1_000_000_000_000_001),
        ("mga", i64::MAX),
    ];
    for (code, minor) in cases {
        let status = intent_status(intent(json!({ "amount_received": minor, "currency": code }))).await;
        let money = status.split_once("amount").and_then(|(_, rest)| rest.split_once(", is_live"));
        writeln!(text, "{minor} {code}{}", money.map_or(format!(" -> {status}"), |(money, _)| money.to_owned()))
            .unwrap();
    }
    expect![[r#"
        1234 usd: Amount(1234), currency: Currency(USD)
        1234 JPY: Amount(1234), currency: Currency(JPY)
        500 isk: Amount(5), currency: Currency(ISK)
        550 ugx -> Unknown("an amount or its currency makes no sense")
        5 mga: Amount(500), currency: Currency(MGA)
        1230 kwd: Amount(1230), currency: Currency(KWD)
        1 iqd -> Unknown("an amount or its currency makes no sense")
        1 xyz -> Unknown("an amount or its currency makes no sense")
        0 usd -> Unknown("the payment succeeded without money")
        -1 usd -> Unknown("the payment succeeded without money")
        1000000000000001 usd -> Unknown("an amount or its currency makes no sense")
        9223372036854775807 mga -> Unknown("an amount or its currency makes no sense")
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn the_state_of_a_session_is_the_state_of_the_payment() {
    let mut text = String::new();
    let kept =
        intent(json!({ "setup_future_usage": "off_session", "latest_charge": { "id": "ch_1", "disputed": true } }));
    let processing = intent(json!({ "status": "processing" }));
    let canceled = intent(json!({ "status": "canceled" }));
    let cases = [
        ("open", session(json!({}))),
        ("paid", paid_session(&intent(json!({ "livemode": true, "amount_received": 11_999 })))),
        ("paid and kept, disputed", paid_session(&kept)),
        ("on its way", session(json!({ "status": "complete", "payment_intent": processing }))),
        ("failed after all", session(json!({ "status": "complete", "payment_intent": canceled }))),
        ("expired", session(json!({ "status": "expired", "url": null }))),
        ("expired, paid", session(json!({ "status": "expired", "payment_intent": intent(json!({})) }))),
        ("expired, on its way", session(json!({ "status": "expired", "payment_intent": processing }))),
        ("open without a page", session(json!({ "url": null }))),
        ("paid without a payment", paid_session(&Value::Null)),
        ("paid, not expanded", paid_session(&json!("pi_1"))),
        ("paid, payment canceled", paid_session(&canceled)),
        ("nothing to pay", session(json!({ "status": "complete", "payment_status": "no_payment_required" }))),
        ("another session", session(json!({ "id": "cs_test_2" }))),
        ("unheard of", session(json!({ "status": "dreaming" }))),
        ("a fraction", paid_session(&intent(json!({ "amount_received": 1.5 })))),
    ];
    for (name, object) in cases {
        writeln!(text, "{name}: {}", session_status(object).await).unwrap();
    }
    expect![[r#"
        open: Open(Opened { reference: "cs_test_1", place: Page("https://pay.example/cs_test_1") })
        paid: Paid(Receipt { reference: "cs_test_1", movement: "pi_1", amount: Amount(11999), currency: Currency(USD), is_live: true, payment_id: Some(pay_01jwp0g2x4f5evk2v0v1x7q3zc), order_id: Some(ord_01jwp0g2x4f5evk2v0v1x7q3zd), method: None, is_disputed: false })
        paid and kept, disputed: Paid(Receipt { reference: "cs_test_1", movement: "pi_1", amount: Amount(12000), currency: Currency(USD), is_live: false, payment_id: Some(pay_01jwp0g2x4f5evk2v0v1x7q3zc), order_id: Some(ord_01jwp0g2x4f5evk2v0v1x7q3zd), method: Some(SavedMethod { customer: "cus_1", reference: "pm_1", label: "visa **** 4242, 03/2034" }), is_disputed: true })
        on its way: Processing { reference: "cs_test_1" }
        failed after all: Failed(Decline { reference: Some("cs_test_1"), code: "canceled", needs_payer: false })
        expired: Expired
        expired, paid: Paid(Receipt { reference: "cs_test_1", movement: "pi_1", amount: Amount(12000), currency: Currency(USD), is_live: false, payment_id: Some(pay_01jwp0g2x4f5evk2v0v1x7q3zc), order_id: Some(ord_01jwp0g2x4f5evk2v0v1x7q3zd), method: None, is_disputed: false })
        expired, on its way: Processing { reference: "cs_test_1" }
        open without a page: Unknown("the session is not open")
        paid without a payment: Unknown("the state of the session makes no sense")
        paid, not expanded: Unknown("the state of the session makes no sense")
        paid, payment canceled: Unknown("the state of the session makes no sense")
        nothing to pay: Unknown("the state of the session makes no sense")
        another session: Unknown("the answer is about another session")
        unheard of: Unknown("the state of the session makes no sense")
        a fraction: Unknown("the answer to /v1/checkout/sessions/cs_test_1 cannot be read at line 1, column 672")
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn the_state_of_an_intent_is_the_state_of_the_payment() {
    let mut text = String::new();
    let declined = json!({ "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds" });
    let unproven = json!({ "type": "card_error", "code": "authentication_required" });
    let cases = [
        ("paid", intent(json!({}))),
        ("processing", intent(json!({ "status": "processing" }))),
        ("to confirm", intent(json!({ "status": "requires_confirmation" }))),
        ("to capture", intent(json!({ "status": "requires_capture" }))),
        ("action", intent(json!({ "status": "requires_action" }))),
        ("canceled", intent(json!({ "status": "canceled" }))),
        ("declined", intent(json!({ "status": "requires_payment_method", "last_payment_error": declined }))),
        ("unproven", intent(json!({ "status": "requires_payment_method", "last_payment_error": unproven }))),
        ("unheard of", intent(json!({ "status": "dreaming" }))),
        ("another", intent(json!({ "id": "pi_2" }))),
    ];
    for (name, object) in cases {
        writeln!(text, "{name}: {}", intent_status(object).await).unwrap();
    }
    expect![[r#"
        paid: Paid(Receipt { reference: "pi_1", movement: "pi_1", amount: Amount(12000), currency: Currency(USD), is_live: false, payment_id: Some(pay_01jwp0g2x4f5evk2v0v1x7q3zc), order_id: Some(ord_01jwp0g2x4f5evk2v0v1x7q3zd), method: None, is_disputed: false })
        processing: Processing { reference: "pi_1" }
        to confirm: Processing { reference: "pi_1" }
        to capture: Processing { reference: "pi_1" }
        action: Failed(Decline { reference: Some("pi_1"), code: "authentication_required", needs_payer: true })
        canceled: Failed(Decline { reference: Some("pi_1"), code: "canceled", needs_payer: false })
        declined: Failed(Decline { reference: Some("pi_1"), code: "insufficient_funds", needs_payer: false })
        unproven: Failed(Decline { reference: Some("pi_1"), code: "authentication_required", needs_payer: true })
        unheard of: Unknown("the state of the payment makes no sense")
        another: Unknown("the answer is about another payment")
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn a_method_is_kept_only_with_a_customer_and_the_agreement() {
    let agreed = json!({ "setup_future_usage": "off_session", "customer": null });
    assert!(session_status(paid_session(&intent(agreed))).await.contains("method: None"));
    let not_agreed = json!({ "setup_future_usage": null });
    assert!(session_status(paid_session(&intent(not_agreed))).await.contains("method: None"));
}

#[tokio::test]
async fn a_payment_without_a_known_reference_is_looked_for() {
    let other = json!({ "id": "cs_test_0", "metadata": {} });
    let scripted = Scripted::saying([
        says(200, &list(&[other], true)),
        says(200, &list(&[session(json!({}))], false)),
        says(200, &session(json!({}))),
    ])
    .await;

    let status = scripted.platform.status(&asked(Means::Checkout, None)).await;

    assert!(matches!(status, Ok(Status::Open(_))));
    scripted.check(&expect![[r#"
        GET /v1/checkout/sessions?created[gte]=1799999700&limit=100
        GET /v1/checkout/sessions?created[gte]=1799999700&limit=100&starting_after=cs_test_0
        GET /v1/checkout/sessions/cs_test_1?expand[0]=payment_intent.latest_charge&expand[1]=payment_intent.payment_method
    "#]]);
}

#[tokio::test]
async fn a_payment_that_is_nowhere_is_missing() {
    let scripted = Scripted::saying([says(200, &list(&[], false)), missing(), missing(), missing()]).await;

    let not_listed = scripted.platform.status(&asked(Means::OffSession, None)).await;
    let no_session = scripted.platform.status(&asked(Means::Checkout, Some("cs_test_1"))).await;
    let no_intent = scripted.platform.status(&asked(Means::OffSession, Some("pi_1"))).await;
    let not_to_expire = scripted.platform.expire(&asked(Means::Checkout, Some("cs_test_1"))).await;

    assert_eq!([not_listed, no_session, no_intent, not_to_expire], [const { Ok(Status::Missing) }; 4]);
    scripted.check(&expect![[r#"
        GET /v1/payment_intents?created[gte]=1799999700&customer=cus_1&limit=100
        GET /v1/checkout/sessions/cs_test_1?expand[0]=payment_intent.latest_charge&expand[1]=payment_intent.payment_method
        GET /v1/payment_intents/pi_1?expand[0]=latest_charge&expand[1]=payment_method
        POST /v1/checkout/sessions/cs_test_1/expire
          expand[0]=payment_intent.latest_charge
          expand[1]=payment_intent.payment_method
    "#]]);
}

#[tokio::test]
async fn a_reference_of_another_kind_is_refused_before_it_is_sent() {
    let scripted = Scripted::saying([]).await;

    let mixed_up = scripted.platform.status(&asked(Means::OffSession, Some("cs_test_1"))).await;
    let strange = scripted.platform.status(&asked(Means::Checkout, Some("cs_1/../../refunds"))).await;

    assert!(matches!((mixed_up, strange), (Err(Failure::Refused { .. }), Err(Failure::Refused { .. }))));
    assert_eq!(scripted.heard(), "");
}

#[tokio::test]
async fn an_endless_list_is_not_searched_forever() {
    let part = list(&[json!({ "id": "cs_test_0", "metadata": {} })], true);
    let scripted = Scripted::saying(vec![says(200, &part); 101]).await;

    let status = scripted.platform.status(&asked(Means::Checkout, None)).await;

    assert!(matches!(status, Err(Failure::Unknown(_))));
    assert_eq!(scripted.script.lock().unwrap().heard.len(), 100);
}

#[tokio::test]
async fn an_open_checkout_expires() {
    let scripted = Scripted::saying([says(200, &session(json!({ "status": "expired", "url": null })))]).await;

    let status = scripted.platform.expire(&asked(Means::Checkout, Some("cs_test_1"))).await;

    assert_eq!(status, Ok(Status::Expired));
    scripted.check(&expect![[r#"
        POST /v1/checkout/sessions/cs_test_1/expire
          expand[0]=payment_intent.latest_charge
          expand[1]=payment_intent.payment_method
    "#]]);
}

#[tokio::test]
async fn a_checkout_that_cannot_expire_says_how_it_stands() {
    let refusal = says(400, &json!({ "error": { "type": "invalid_request_error", "message": "It is complete." } }));
    let scripted = Scripted::saying([
        refusal.clone(),
        says(200, &paid_session(&intent(json!({})))),
        refusal,
        says(200, &session(json!({}))),
    ])
    .await;

    let paid = scripted.platform.expire(&asked(Means::Checkout, Some("cs_test_1"))).await;
    let stuck = scripted.platform.expire(&asked(Means::Checkout, Some("cs_test_1"))).await;

    assert!(matches!(paid, Ok(Status::Paid(_))));
    expect![[r#"Refused { code: "invalid_request_error", message: "It is complete." }"#]].assert_eq(&words(&stuck));
}

#[tokio::test]
async fn a_saved_method_is_charged_at_once() {
    let scripted = Scripted::saying([says(200, &intent(json!({})))]).await;

    let status = scripted.platform.charge(&charge()).await;

    assert!(matches!(status, Ok(Status::Paid(receipt)) if receipt.reference == "pi_1" && receipt.method.is_none()));
    scripted.check(&expect![[r#"
        POST /v1/payment_intents
        Idempotency-Key: pay_01jwp0g2x4f5evk2v0v1x7q3zc
          amount=12000
          currency=usd
          customer=cus_1
          payment_method=pm_1
          payment_method_types[0]=card
          off_session=true
          confirm=true
          description=Renewal+of+3+licenses
          metadata[order_id]=ord_01jwp0g2x4f5evk2v0v1x7q3zd
          metadata[payment_id]=pay_01jwp0g2x4f5evk2v0v1x7q3zc
          expand[0]=latest_charge
          expand[1]=payment_method
    "#]]);
}

#[tokio::test]
async fn a_declined_charge_failed_and_other_refusals_are_refusals() {
    let card = |code: &str, decline_code: Option<&str>| {
        let intent = intent(json!({ "status": "requires_payment_method" }));
        says(
            402,
            &json!({ "error": { "type": "card_error", "code": code, "decline_code": decline_code,
            "message": "No.", "payment_intent": intent } }),
        )
    };
    let mut text = String::new();
    let lines = [
        card("card_declined", Some("insufficient_funds")),
        card("expired_card", None),
        card("authentication_required", Some("authentication_required")),
        says(402, &json!({ "error": { "type": "card_error" } })),
        says(402, &json!({ "error": { "type": "invalid_request_error", "message": "Not today." } })),
        says(400, &error("amount_too_small")),
    ];
    for line in lines {
        writeln!(text, "{}", charged_with(line).await).unwrap();
    }
    expect![[r#"
        Failed(Decline { reference: Some("pi_1"), code: "insufficient_funds", needs_payer: false })
        Failed(Decline { reference: Some("pi_1"), code: "expired_card", needs_payer: false })
        Failed(Decline { reference: Some("pi_1"), code: "authentication_required", needs_payer: true })
        Failed(Decline { reference: None, code: "card_error", needs_payer: false })
        Refused { code: "invalid_request_error", message: "Not today." }
        Refused { code: "amount_too_small", message: "No." }
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn every_end_of_a_call_has_its_meaning() {
    let mut text = String::new();
    let garbage = |status| Line::Says(status, "<html>sk_test_topsecret</html>".to_owned());
    let lines = [
        ("500", says(500, &error("api_error"))),
        ("503 garbage", garbage(503)),
        ("200 garbage", garbage(200)),
        ("200 empty", Line::Says(200, String::new())),
        ("302", garbage(302)),
        ("400 garbage", garbage(400)),
        ("400", says(400, &error("parameter_missing"))),
        ("400 same key", says(400, &json!({ "error": { "type": "idempotency_error", "message": "No." } }))),
        ("401 garbage", garbage(401)),
        ("403", says(403, &error("account_invalid"))),
        ("404", missing()),
        ("409 lock", says(409, &error("lock_timeout"))),
        ("409 in use", says(409, &error("idempotency_key_in_use"))),
        ("409 other", says(409, &error("other"))),
        ("429", says(429, &error("rate_limit"))),
        ("silence", Line::Silence),
    ];
    for (name, line) in lines {
        writeln!(text, "{name}: {}", opened_with(line).await).unwrap();
    }
    expect![[r#"
        500: Unknown("/v1/checkout/sessions answered 500")
        503 garbage: Unknown("/v1/checkout/sessions answered 503")
        200 garbage: Unknown("the answer to /v1/checkout/sessions cannot be read at line 1, column 1")
        200 empty: Unknown("the answer to /v1/checkout/sessions cannot be read at line 1, column 0")
        302: Unknown("/v1/checkout/sessions answered 302")
        400 garbage: Unknown("/v1/checkout/sessions answered 400 without a reason")
        400: Refused { code: "parameter_missing", message: "No." }
        400 same key: Unknown("/v1/checkout/sessions was called before with the same idempotency key and other parameters")
        401 garbage: Refused { code: "http_401", message: "without a reason" }
        403: Refused { code: "account_invalid", message: "No." }
        404: Refused { code: "resource_missing", message: "No." }
        409 lock: NotSent("it is busy: /v1/checkout/sessions answered 409")
        409 in use: NotSent("the same call is under way: /v1/checkout/sessions answered 409")
        409 other: Refused { code: "other", message: "No." }
        429: NotSent("it is busy: /v1/checkout/sessions answered 429")
        silence: Unknown("no answer in time")
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn what_was_never_sent_was_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let answer = platform_at(format!("http://{address}")).open(&checkout()).await;

    assert!(matches!(answer, Err(Failure::NotSent(_))), "{answer:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_sending_leaves_it_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 16]).await.unwrap();
    });

    let answer = platform_at(format!("http://{address}")).open(&checkout()).await;

    assert!(matches!(answer, Err(Failure::Unknown(_))), "{answer:?}");
}

#[tokio::test]
async fn the_platforms_words_are_short_and_hold_no_secrets() {
    let message = format!(
        "Key sk_test_ab12****wxyz, (rk_live_zz), whsec_q1; card 4242424242424242, risk_level stays.\n{}",
        "long ".repeat(100)
    );
    let body = json!({ "error": { "type": "invalid_request_error", "code": "api_key_expired", "message": message } });

    let Err(Failure::Refused { message, .. }) =
        Scripted::saying([says(401, &body)]).await.platform.open(&checkout()).await
    else {
        panic!("it is refused")
    };

    assert_eq!(message.chars().count(), 300);
    expect!["Key [redacted], ([redacted]), [redacted]; card [redacted], risk_level stays. long"]
        .assert_eq(&message[..81]);
}

#[tokio::test]
async fn a_refund_is_made_once_for_its_key() {
    let made = json!({ "id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd", "created": 1,
        "payment_intent": "pi_1", "metadata": { "key": "una_7" } });
    let other = with(made.clone(), json!({ "id": "re_0", "metadata": { "key": "una_6" } }));
    let failed = with(made.clone(), json!({ "status": "failed", "failure_reason": "expired_or_canceled_card" }));
    let scripted = Scripted::saying([
        says(200, &list(&[other], false)),
        says(200, &made),
        says(200, &list(&[made], false)),
        says(200, &list(&[failed], false)),
    ])
    .await;

    let first = scripted.platform.refund(&refund()).await;
    let repeated = scripted.platform.refund(&refund()).await;
    let lost = scripted.platform.refund(&refund()).await;

    assert_eq!((first, repeated), (Ok(()), Ok(())));
    assert!(matches!(lost, Err(Failure::Refused { code, .. }) if code == "expired_or_canceled_card"));
    scripted.check(&expect![[r#"
        GET /v1/refunds?payment_intent=pi_1&limit=100
        POST /v1/refunds
        Idempotency-Key: una_7
          payment_intent=pi_1
          amount=500
          metadata[key]=una_7
        GET /v1/refunds?payment_intent=pi_1&limit=100
        GET /v1/refunds?payment_intent=pi_1&limit=100
    "#]]);
}

#[tokio::test]
async fn movements_are_listed_part_by_part() {
    let charge = json!({ "id": "ch_1", "status": "succeeded", "amount_captured": 700, "currency": "usd",
        "created": 1_799_999_000, "payment_intent": "pi_1", "metadata": { "order_id": ORDER, "payment_id": PAYMENT } });
    let failed = with(charge.clone(), json!({ "id": "ch_2", "status": "failed" }));
    let foreign = with(charge.clone(), json!({ "id": "ch_3", "payment_intent": null, "metadata": {} }));
    let refund = json!({ "id": "re_1", "status": "pending", "amount": 500, "currency": "usd", "created": 1_799_999_500,
        "payment_intent": "pi_1", "charge": "ch_1", "metadata": {} });
    let came_back = with(refund.clone(), json!({ "id": "re_2", "status": "failed" }));
    let scripted = Scripted::saying([
        says(200, &list(&[charge, failed], true)),
        says(200, &list(&[foreign], false)),
        says(200, &list(&[refund, came_back], false)),
        says(200, &list(&[], true)),
    ])
    .await;
    let (from, until) = (at("2027-01-15T00:00:00Z"), at("2027-01-16T00:00:00Z"));

    let mut text = String::new();
    for after in [None, Some("charges:ch_2"), Some("refunds:"), Some("refunds:re_9"), Some("elsewhere")] {
        writeln!(text, "{:#?}", scripted.platform.movements(from, until, after).await).unwrap();
    }

    expect![[r#"
        Ok(
            Movements {
                movements: [
                    Movement {
                        movement: "pi_1",
                        kind: In,
                        at: 2027-01-15T07:43:20Z,
                        amount: Amount(
                            700,
                        ),
                        currency: Currency(
                            USD,
                        ),
                        payment_id: Some(
                            pay_01jwp0g2x4f5evk2v0v1x7q3zc,
                        ),
                        order_id: Some(
                            ord_01jwp0g2x4f5evk2v0v1x7q3zd,
                        ),
                    },
                ],
                next: Some(
                    "charges:ch_2",
                ),
            },
        )
        Ok(
            Movements {
                movements: [
                    Movement {
                        movement: "ch_3",
                        kind: In,
                        at: 2027-01-15T07:43:20Z,
                        amount: Amount(
                            700,
                        ),
                        currency: Currency(
                            USD,
                        ),
                        payment_id: None,
                        order_id: None,
                    },
                ],
                next: Some(
                    "refunds:",
                ),
            },
        )
        Ok(
            Movements {
                movements: [
                    Movement {
                        movement: "pi_1",
                        kind: Out,
                        at: 2027-01-15T07:51:40Z,
                        amount: Amount(
                            500,
                        ),
                        currency: Currency(
                            USD,
                        ),
                        payment_id: None,
                        order_id: None,
                    },
                ],
                next: None,
            },
        )
        Err(
            Unknown(
                "a list goes on after nothing",
            ),
        )
        Err(
            Refused {
                code: "invalid_cursor",
                message: "a list of movements does not go on there",
            },
        )
    "#]]
    .assert_eq(&text);
    scripted.check(&expect![[r#"
        GET /v1/charges?created[gte]=1799971200&created[lt]=1800057600&limit=100
        GET /v1/charges?created[gte]=1799971200&created[lt]=1800057600&limit=100&starting_after=ch_2
        GET /v1/refunds?created[gte]=1799971200&created[lt]=1800057600&limit=100
        GET /v1/refunds?created[gte]=1799971200&created[lt]=1800057600&limit=100&starting_after=re_9
    "#]]);
}

#[test]
fn options_that_cannot_work_say_why() {
    let base = |base: &str| Stripe::new(options(base.to_owned())).err().map(|error| error.to_string());
    let malformed = InvalidStripe::Base.to_string();
    for wrong in ["", "api.stripe.com", "ftp://api.stripe.com", "https://u:p@api.stripe.com", "https://a.example/?b"] {
        assert_eq!(base(wrong), Some(malformed.clone()), "{wrong}");
    }
    for open in ["http://api.stripe.com", "http://127.0.0.1.example", "http://10.0.0.1"] {
        assert_eq!(base(open), Some(InvalidStripe::PlainHttp.to_string()), "{open}");
    }
    for good in ["http://localhost:1", "http://127.0.0.1:1/", "http://[::1]:1"] {
        assert_eq!(base(good), None, "{good}");
    }
}

#[test]
fn the_key_says_whether_money_is_real_and_is_never_shown() {
    let made = |key: &str| {
        let options = options("http://127.0.0.1:1".to_owned());
        Stripe::new(StripeOptions { secret_key: key.to_owned().into(), ..options }).map(|stripe| stripe.is_live()).ok()
    };
    assert_eq!([made("sk_test_1"), made("rk_test_1")], [Some(false); 2]);
    assert_eq!([made("sk_live_1"), made("rk_live_1")], [Some(true); 2]);
    assert_eq!([made("pk_test_1"), made("sk_test_"), made("sk_test_1\n"), made("")], [None; 4]);
    let all = format!("{:?} {:?}", platform_at("http://127.0.0.1:1".to_owned()), options("http://a".to_owned()));
    assert!(!all.contains("topsecret"), "{all}");
}

#[test]
fn only_platforms_of_this_language_and_real_secrets_are_taken() {
    let options = || options("http://127.0.0.1:1".to_owned());
    let name = Stripe::new(StripeOptions { name: PlatformName::BankTransfer, ..options() });
    let secret = Stripe::new(StripeOptions { webhook_secrets: vec![String::new().into()], ..options() });
    assert!(matches!((name, secret), (Err(InvalidStripe::Name), Err(InvalidStripe::WebhookSecret))));
}

/// Leaves behind what was sent, to be compared with the platform's own description of its API.
#[tokio::test]
async fn every_operation_is_recorded() {
    let refund_made = json!({ "id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd", "created": 1 });
    let scripted = Scripted::saying([
        says(200, &session(json!({}))),
        says(200, &session(json!({}))),
        says(200, &session(json!({ "status": "expired" }))),
        says(200, &list(&[session(json!({}))], false)),
        says(200, &session(json!({}))),
        says(200, &list(&[json!({ "id": "pi_0" })], true)),
        says(200, &list(&[intent(json!({}))], false)),
        says(200, &intent(json!({}))),
        says(200, &intent(json!({}))),
        says(200, &list(&[], false)),
        says(200, &refund_made),
        says(200, &list(&[], false)),
        says(200, &list(&[], false)),
        says(200, &list(&[], false)),
    ])
    .await;
    let (platform, from, until) = (&scripted.platform, at("2027-01-15T00:00:00Z"), at("2027-01-16T00:00:00Z"));
    let new_buyer =
        Checkout { is_subscription: true, saves_method: true, email: Some("a@b.example".to_owned()), ..checkout() };

    platform.open(&new_buyer).await.unwrap();
    platform.open(&Checkout { customer: Some("cus_1".to_owned()), ..checkout() }).await.unwrap();
    platform.expire(&asked(Means::Checkout, Some("cs_test_1"))).await.unwrap();
    platform.status(&asked(Means::Checkout, None)).await.unwrap();
    platform.status(&asked(Means::OffSession, None)).await.unwrap();
    platform.charge(&charge()).await.unwrap();
    platform.refund(&refund()).await.unwrap();
    platform.movements(from, until, None).await.unwrap();
    platform.movements(from, until, Some("charges:ch_1")).await.unwrap();
    platform.movements(from, until, Some("refunds:re_1")).await.unwrap();

    let script = scripted.script.lock().unwrap();
    assert!(script.lines.is_empty());
    let lines = script.heard.iter().map(|heard| {
        let record = json!({ "method": heard.method.as_str(), "path": heard.uri.to_string(), "body": heard.body });
        format!("{record}\n")
    });
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/adapter-requests.jsonl"), lines.collect::<String>()).unwrap();
}
