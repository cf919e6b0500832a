//! A site with a catalog, for tests.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use domain::calendar::BillingZone;
use domain::money::Amount;
use engine::signing::{self, KeyError, Secret};
use engine::{Engine, SiteClock};
use engine::{Limits, Payments};
use payments::{BankTransfer, Platform};
use seal::PublicKey;
use serde_json::{Value, json};
use store::Store;
use store::sqlite::{Database, Ports};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const OPERATOR: &str = "op_key_of_these_tests";

/// Who signs.
pub(crate) const VENDOR: &str = "https://vendor.example";

/// A site.
pub(crate) struct Shop {
    router: Router,
    pub(crate) engine: Engine,
    secret: Secret,
    folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are text"))
    }

    pub(crate) fn text_at(&self, pointer: &str) -> &str {
        let value = self.json.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer} in {}", self.text))
    }

    pub(crate) fn id(&self) -> String {
        self.text_at("/id").to_owned()
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// Asserts what the answer is, and gives it back.
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts that it is this problem.
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.json["status"], status);
        assert_eq!(reply.json["type"], format!("/docs/errors#{code}"));
        assert_eq!(reply.text_at("/request_id"), reply.header("x-request-id"));
        reply
    }

    /// Asserts that it is `invalid_request` because of exactly these places.
    pub(crate) fn invalid_at(self, pointers: &[&str]) -> Self {
        let reply = self.refused(422, "invalid_request");
        let errors = reply.json["errors"].as_array().expect("errors").iter();
        let found: Vec<_> = errors.map(|error| error["pointer"].as_str().expect("a pointer")).collect();
        assert_eq!(found, pointers, "{}", reply.text);
        reply
    }
}

/// A request to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) key: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn with_key(key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }
}

impl Shop {
    /// A site in Shanghai at an instant, with `uhost` at 12000 for 30 days, a month, and 100 an hour.
    pub(crate) async fn at(instant: &str) -> Self {
        let shop = Self::empty(instant, web::Options::default()).await;
        shop.put("/v1/products/uhost", json!({"name": "Cloud host", "kind": "resource"})).await.is(200);
        for (plan, unit, count, price) in
            [("thirty", "day", 30, 12_000), ("monthly", "month", 1, 12_000), ("hourly", "hour", 1, 100)]
        {
            let body = json!({"unit": unit, "count": count, "price": price, "currency": "CNY"});
            shop.put(&format!("/v1/products/uhost/plans/{plan}"), body).await.is(200);
        }
        shop
    }

    /// The same site with keys, and with `dr` at 7500 a month or 75000 a year and `failback` at 9000 for 3 months, each for
    /// one unit.
    pub(crate) async fn with_licenses(instant: &str) -> Self {
        let shop = Self::at(instant).await;
        for (product, plan, unit, count, price) in [
            ("dr", "monthly", "month", 1, 7_500),
            ("dr", "yearly", "year", 1, 75_000),
            ("failback", "quarter", "month", 3, 9_000),
        ] {
            let body = json!({"name": product, "kind": "license", "license_kind": product});
            shop.put(&format!("/v1/products/{product}"), body).await.is(200);
            let body = json!({"unit": unit, "count": count, "price": price, "currency": "CNY"});
            shop.put(&format!("/v1/products/{product}/plans/{plan}"), body).await.is(200);
        }
        shop.make_keys().await;
        shop
    }

    /// The same site, paid by bank transfers, with recharges of 100 to 1,000,000.
    pub(crate) async fn with_transfers(instant: &str) -> Self {
        let shop = Self::with_licenses(instant).await;
        let amount = |minor| Amount::new(minor).expect("an amount");
        let limits = Limits { min: amount(100), max: amount(1_000_000), suggested: vec![amount(10_000)] };
        let payments = Payments {
            card: None,
            transfer: Some(Platform::BankTransfer(BankTransfer::new("Bank of <Examples>, 4711".to_owned()))),
            recharges: vec![("CNY".parse().expect("a currency"), limits)],
        };
        let engine = shop.engine.clone().with_payments(payments);
        let router = web::router(engine.clone(), web::Options::default());
        Self { router, engine, ..shop }
    }

    /// Makes the first keys of the site.
    async fn make_keys(&self) {
        let (secret, zone, root) = (self.secret.clone(), self.engine.zone().clone(), signing::new_key());
        let made = self
            .engine
            .store()
            .transact_keys::<KeyError>(move |ring, now| signing::first_keys(&ring, &root, &secret, VENDOR, &zone, now));
        made.await.expect("a new site has no keys");
    }

    /// The root key that products of this site have pinned.
    pub(crate) async fn root(&self) -> PublicKey {
        let ring = self.engine.store().key_ring().await.expect("a store");
        ring.root.expect("the site has keys").parse().expect("a key")
    }

    /// A site that sells nothing yet.
    pub(crate) async fn empty(instant: &str, options: web::Options) -> Self {
        Self::with_clock(SiteClock::test(instant.parse().expect("an instant")), options).await
    }

    pub(crate) async fn with_clock(clock: SiteClock, options: web::Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(clock);
        let zone = Arc::new(BillingZone::parse("Asia/Shanghai").expect("a zone"));
        let port: Arc<dyn store::Clock> = Arc::<SiteClock>::clone(&clock);
        let ports = Ports { clock: port, due_at: engine::due_at(Arc::clone(&zone)), id_seed: 7 };
        let database = Database::open(folder.path(), ports).expect("a database");
        let secret = Secret::generate();
        let engine = Engine::new(Store::Sqlite(database), clock, zone).with_secret(secret.clone());
        engine.ensure_operator_key(Some(OPERATOR)).await.expect("a store").expect("a usable key");
        let router = web::router(engine.clone(), options);
        Self { router, engine, secret, folder }
    }

    /// Changes the database behind the back of the site.
    pub(crate) fn tampers(&self, statement: &str) {
        let file = self.folder.path().join(store::sqlite::FILE_NAME);
        let connection = rusqlite::Connection::open(file).expect("a database");
        connection.execute_batch(statement).expect("a statement that can be done");
    }

    /// Closes the database, as if it were gone.
    pub(crate) async fn lose_the_database(&self) {
        self.engine.store().close().await;
    }

    pub(crate) async fn call(&self, method: &str, path: &str, call: Call) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &call.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(call.body.map_or_else(Body::empty, Body::from)).expect("a request");
        self.request(request).await
    }

    /// Sends a request of any shape.
    pub(crate) async fn request(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.response(request).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// Sends a request and leaves its answer as it arrives.
    pub(crate) async fn response(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_as(OPERATOR, path).await
    }

    pub(crate) async fn get_as(&self, key: &str, path: &str) -> Reply {
        self.call("GET", path, Call::with_key(key)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, body).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, body).await
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: Value) -> Reply {
        self.call("POST", path, Call::with_key(key).body(body.to_string())).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        self.call(method, path, Call::with_key(OPERATOR).body(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, Call::with_key(OPERATOR)).await
    }

    pub(crate) async fn send_text(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.call(method, path, Call::with_key(OPERATOR).body(body)).await
    }

    /// A customer with so much cash.
    pub(crate) async fn account(&self, cash: i64) -> String {
        let body = json!({"name": "Shop 1", "email": "billing@shop1.example", "currency": "CNY"});
        let id = self.post("/v1/accounts", body).await.is(201).id();
        if cash > 0 {
            let body = json!({"amount": cash, "kind": "cash"});
            self.post(&format!("/v1/accounts/{id}/credits"), body).await.is(201);
        }
        id
    }

    /// A key of an account.
    pub(crate) async fn key_of(&self, account: &str) -> String {
        let reply = self.post(&format!("/v1/accounts/{account}/api-keys"), json!({"name": "tests"})).await.is(201);
        reply.text_at("/key").to_owned()
    }

    /// Buys a `uhost` and gives the resource's id.
    pub(crate) async fn buys(&self, account: &str, plan: &str) -> String {
        let body = json!({"account_id": account, "product": "uhost", "plan": plan, "pay_with": "wallet"});
        self.post("/v1/orders", body).await.is(201).text_at("/resource_id").to_owned()
    }

    /// Buys `dr` units for a month, with the switch on, and gives the license's id.
    pub(crate) async fn buys_dr(&self, account: &str, quantity: u32) -> String {
        let body = json!({"account_id": account, "product": "dr", "plan": "monthly", "quantity": quantity,
            "auto_renew": true, "pay_with": "wallet", "consent": {"terms_version": "2025-01"}});
        self.post("/v1/orders", body).await.is(201).text_at("/license_id").to_owned()
    }

    /// Gives an account a license for some months, and gives its id.
    pub(crate) async fn grants(&self, account: &str, kind: &str, quantity: u32, months: u32) -> String {
        let body = json!({"account_id": account, "kind": kind, "quantity": quantity,
            "term": {"unit": "month", "count": months}});
        self.post("/v1/licenses", body).await.is(201).id()
    }

    /// Gives a host a unit, and gives the assignment's id.
    pub(crate) async fn assigns(&self, account: &str, host: &str) -> String {
        self.post("/v1/assignments", json!({"account_id": account, "host": host})).await.is(201).id()
    }

    pub(crate) async fn advance(&self, to: &str) {
        self.post("/v1/test-clock/advance", json!({"to": to})).await.is(200);
    }

    pub(crate) async fn cash(&self, account: &str) -> i64 {
        let balance = self.get(&format!("/v1/accounts/{account}/balance")).await.is(200);
        balance.json["cash"].as_i64().expect("an amount")
    }

    pub(crate) async fn n_orders(&self, account: &str) -> usize {
        let orders = self.get(&format!("/v1/orders?account_id={account}&limit=100")).await.is(200);
        orders.json["data"].as_array().expect("a list").len()
    }
}
