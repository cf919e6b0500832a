//! Bad input: the documented refusal, and nothing changed.

use serde_json::json;

use crate::shop::{Call, OPERATOR, Shop};

const NOW: &str = "2025-05-08T02:00:00Z";
const NO_ACCOUNT: &str = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk";

#[tokio::test]
async fn a_body_that_is_not_json_is_malformed() {
    let shop = Shop::at(NOW).await;
    let malformed: [&[u8]; 8] = [
        b"{\"account_id\":",
        b"{\"a\": 1,}",
        b"name=a",
        b"{'name': 'a'}",
        b"{\"name\": \"\xff\xfe\"}",
        b"{} {}",
        b"{\"name\": NaN}",
        b"{\"name\": 01}",
    ];

    for body in malformed {
        shop.send_text("POST", "/v1/accounts", body).await.refused(400, "malformed_json");
    }
}

#[tokio::test]
async fn json_that_is_no_object_is_invalid() {
    let shop = Shop::at(NOW).await;
    for body in ["[]", "null", "7", "\"a\"", "true"] {
        shop.send_text("POST", "/v1/orders", body).await.refused(422, "invalid_request");
    }
}

#[tokio::test]
async fn an_array_is_not_read_by_position() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;

    let credits = format!("/v1/accounts/{account}/credits");
    shop.send_text("POST", &credits, r#"[5, "cash", null]"#).await.refused(422, "invalid_request");

    assert_eq!(shop.cash(&account).await, 0);
}

#[tokio::test]
async fn an_order_with_a_wrong_value_buys_nothing() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(36_000).await;
    let order = |name: &str, value: &str| {
        let mut fields = vec![
            ("account_id", format!("{account:?}")),
            ("product", "\"uhost\"".to_owned()),
            ("plan", "\"thirty\"".to_owned()),
            ("pay_with", "\"wallet\"".to_owned()),
        ];
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", fields.join(", "))
    };
    let deep = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
    let large = format!("{{\"a\": \"{}\"}}", "b".repeat(16 * 1024));
    let cases = [
        ("colour", "\"red\"", "invalid_request", "/colour"),
        ("a~b/c", "1", "invalid_request", "/a~0b~1c"),
        ("quantity", "\"two\"", "invalid_request", "/quantity"),
        ("quantity", "1.5", "invalid_request", "/quantity"),
        ("quantity", "1e999", "invalid_request", "/quantity"),
        ("quantity", "99999999999999999999", "invalid_request", "/quantity"),
        ("quantity", "0", "invalid_quantity", ""),
        ("quantity", "-1", "invalid_quantity", ""),
        ("quantity", "4294967296", "invalid_quantity", ""),
        ("terms", "0", "invalid_terms", ""),
        ("terms", "-1", "invalid_terms", ""),
        ("terms", "4294967297", "invalid_terms", ""),
        ("terms", "9223372036854775807", "invalid_terms", ""),
        ("terms", "[1]", "invalid_request", "/terms"),
        ("until", "\"month_end\"", "not_monthly", ""),
        ("until", "\"year_end\"", "invalid_request", "/until"),
        ("plan", "\"nosuch\"", "unknown_plan", ""),
        ("plan", "\"no such\"", "invalid_request", "/plan"),
        ("product", "\"nosuch\"", "unknown_product", ""),
        ("product", "\"\"", "invalid_request", "/product"),
        ("product", "7", "invalid_request", "/product"),
        ("account_id", "\"res_01jtmxp1vyf5ntx9a1cqk8q4nk\"", "invalid_request", "/account_id"),
        ("account_id", "\"me\"", "invalid_request", "/account_id"),
        ("account_id", "null", "invalid_request", "/account_id"),
        ("pay_with", "\"gold\"", "invalid_request", "/pay_with"),
        ("auto_renew", "\"yes\"", "invalid_request", "/auto_renew"),
        ("configuration", "[]", "invalid_request", "/configuration"),
        ("configuration", "\"a\"", "invalid_request", "/configuration"),
        ("configuration", &deep, "invalid_request", "/configuration"),
        ("configuration", &large, "invalid_request", "/configuration"),
        ("consent", "{}", "invalid_request", "/consent/terms_version"),
        ("consent", "{\"terms_version\": \"1\", \"by\": \"me\"}", "invalid_request", "/consent/by"),
    ];

    for (name, value, code, pointer) in cases {
        let reply = shop.send_text("POST", "/v1/orders", order(name, value)).await.refused(422, code);
        let found = reply.json.pointer("/errors/0/pointer").map_or("", |found| found.as_str().unwrap());
        assert_eq!(found, pointer, "{name} {value}: {}", reply.text);
    }
    assert_eq!(shop.cash(&account).await, 36_000);
    assert_eq!(shop.n_orders(&account).await, 0);
}

#[tokio::test]
async fn a_repeated_or_missing_field_is_named() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let credits = format!("/v1/accounts/{account}/credits");

    let twice = r#"{"amount": 1, "amount": 2, "kind": "cash"}"#;
    shop.send_text("POST", &credits, twice).await.invalid_at(&["/amount"]);
    shop.send_text("POST", &credits, r#"{"kind": "cash"}"#).await.invalid_at(&["/amount"]);
    shop.send_text("POST", &credits, "").await.invalid_at(&["/amount"]);
    let until = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "wallet",
        "terms": 1, "until": "month_end"});
    shop.post("/v1/orders", until).await.invalid_at(&["/until"]);
    assert_eq!(shop.cash(&account).await, 0);
}

#[tokio::test]
async fn an_operator_must_say_who_buys() {
    let shop = Shop::at(NOW).await;
    let body = json!({"product": "uhost", "plan": "thirty", "pay_with": "wallet"});
    shop.post("/v1/orders", body).await.invalid_at(&["/account_id"]);
}

#[tokio::test]
async fn all_wrong_values_are_named_at_once() {
    let shop = Shop::at(NOW).await;
    let body = json!({"name": " ", "email": "nobody", "currency": "cny", "credit_limit": -1});
    let reply = shop.post("/v1/accounts", body).await;
    reply.invalid_at(&["/name", "/email", "/currency", "/credit_limit"]);
}

#[tokio::test]
async fn an_account_with_a_wrong_value_is_not_opened() {
    let shop = Shop::at(NOW).await;
    let long = "a".repeat(201);
    let long_email = format!("{}@example.com", "a".repeat(250));
    let cases = [
        (json!({"name": "", "email": "a@a.example", "currency": "CNY"}), "/name"),
        (json!({"name": long, "email": "a@a.example", "currency": "CNY"}), "/name"),
        (json!({"name": "a\u{0}b", "email": "a@a.example", "currency": "CNY"}), "/name"),
        (json!({"name": "a", "email": "a@", "currency": "CNY"}), "/email"),
        (json!({"name": "a", "email": "a a@a.example", "currency": "CNY"}), "/email"),
        (json!({"name": "a", "email": long_email, "currency": "CNY"}), "/email"),
        (json!({"name": "a", "email": "a@a.example", "currency": "ABC"}), "/currency"),
        (json!({"name": "a", "email": "a@a.example", "currency": 156}), "/currency"),
        (json!({"name": "a", "email": "a@a.example", "currency": "CNY", "credit_limit": 1.5}), "/credit_limit"),
        (
            json!({"name": "a", "email": "a@a.example", "currency": "CNY", "credit_limit": 1_000_000_000_000_001_i64}),
            "/credit_limit",
        ),
        (json!({"name": "a", "email": "a@a.example", "currency": "CNY", "id": "acc_1"}), "/id"),
    ];

    for (body, pointer) in cases {
        shop.post("/v1/accounts", body).await.invalid_at(&[pointer]);
    }
    assert_eq!(shop.get("/v1/accounts").await.json["data"], json!([]));
}

#[tokio::test]
async fn an_edit_takes_no_null_and_no_unknown_field() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let url = format!("/v1/accounts/{account}");

    shop.send("PATCH", &url, json!({"name": null})).await.invalid_at(&["/name"]);
    shop.send("PATCH", &url, json!({"currency": "USD"})).await.invalid_at(&["/currency"]);
    shop.send("PATCH", &url, json!({"credit_limit": -1})).await.invalid_at(&["/credit_limit"]);
    let unchanged = shop.send("PATCH", &url, json!({})).await.is(200);
    assert_eq!(unchanged.json["name"], "Shop 1");
    let edited = shop.send("PATCH", &url, json!({"name": "Shop 2", "credit_limit": 500})).await.is(200);
    assert_eq!((&edited.json["name"], &edited.json["credit_limit"]), (&json!("Shop 2"), &json!(500)));
}

#[tokio::test]
async fn a_credit_of_no_or_impossible_money_books_nothing() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(5).await;
    let url = format!("/v1/accounts/{account}/credits");
    let cases = [
        ("10.5", "cash", "invalid_request"),
        ("1e2", "cash", "invalid_request"),
        ("1e999", "cash", "invalid_request"),
        ("\"5\"", "cash", "invalid_request"),
        ("null", "cash", "invalid_request"),
        ("1000000000000001", "cash", "invalid_request"),
        ("9223372036854775808", "cash", "invalid_request"),
        ("0", "cash", "invalid_amount"),
        ("-5", "cash", "invalid_amount"),
        ("5", "gold", "invalid_request"),
        ("1000000000000000", "cash", "amount_too_large"),
    ];

    for (amount, kind, code) in cases {
        let body = format!("{{\"amount\": {amount}, \"kind\": \"{kind}\"}}");
        shop.send_text("POST", &url, body).await.refused(422, code);
    }
    let long = "a".repeat(501);
    let body = json!({"amount": 1, "kind": "cash", "reference": long});
    shop.post(&url, body).await.invalid_at(&["/reference"]);
    assert_eq!(shop.cash(&account).await, 5);
    let transactions = shop.get(&format!("/v1/accounts/{account}/transactions")).await;
    assert_eq!(transactions.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_freeze_of_more_than_there_is_names_the_shortfall() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(100).await;
    let url = format!("/v1/accounts/{account}/freezes");

    let refused = shop.post(&url, json!({"amount": 130, "reason": "deposit"})).await;
    assert_eq!(refused.refused(402, "insufficient_balance").json["shortfall"], 30);
    shop.post(&url, json!({"amount": 0, "reason": "deposit"})).await.refused(422, "invalid_amount");
    shop.post(&url, json!({"amount": 1})).await.invalid_at(&["/reason"]);
}

#[tokio::test]
async fn a_credit_limit_below_what_is_in_use_stays() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let url = format!("/v1/accounts/{account}");
    shop.send("PATCH", &url, json!({"credit_limit": 20_000})).await.is(200);
    shop.buys(&account, "thirty").await;

    shop.send("PATCH", &url, json!({"credit_limit": 11_999})).await.refused(409, "credit_in_use");
    shop.send("PATCH", &url, json!({"credit_limit": 12_000})).await.is(200);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_however_it_is_written() {
    let shop = Shop::at(NOW).await;
    let paths = [
        "/v1/accounts/acc_nosuch",
        "/v1/accounts/01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/accounts/acc_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/accounts/res_01jtmxp1vyf5ntx9a1cqk8q4nk/balance",
        "/v1/resources/res_nosuch",
        "/v1/resources/res_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/resources/res_01jtmxp1vyf5ntx9a1cqk8q4nk/attempts",
        "/v1/orders/ord_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/orders/%00%ff",
        "/v1/orders/%E4%BD%A0",
        "/v1/products/nosuch",
        "/v1/products/no%20such",
        "/v1/licenses/lic_nosuch",
        "/v1/licenses/lic_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/licenses/lic_01jtmxp1vyf5ntx9a1cqk8q4nk/allocations",
        "/v1/licenses/lic_01jtmxp1vyf5ntx9a1cqk8q4nk/attempts",
        "/v1/licenses/res_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/licenses/summary?account_id=acc_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/assignments/asg_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/failbacks/fbk_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/installations/ins_01jtmxp1vyf5ntx9a1cqk8q4nk",
        "/v1/installations?account_id=acc_01jtmxp1vyf5ntx9a1cqk8q4nk",
    ];

    for path in paths {
        shop.get(path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn writes_to_what_does_not_exist_are_not_found() {
    let shop = Shop::at(NOW).await;
    let renewals = "/v1/resources/res_01jtmxp1vyf5ntx9a1cqk8q4nk/renewals";
    let account = format!("/v1/accounts/{NO_ACCOUNT}");

    shop.post(renewals, json!({})).await.refused(404, "not_found");
    shop.post(&format!("{renewals}/preview"), json!({})).await.refused(404, "not_found");
    shop.send("PATCH", &account, json!({"name": "a"})).await.refused(404, "not_found");
    let credit = json!({"amount": 1, "kind": "cash"});
    shop.post(&format!("{account}/credits"), credit).await.refused(404, "not_found");
    shop.post(&format!("{account}/api-keys"), json!({"name": "a"})).await.refused(404, "not_found");
    let order = json!({"account_id": NO_ACCOUNT, "product": "uhost", "plan": "thirty", "pay_with": "wallet"});
    shop.post("/v1/orders", order).await.refused(404, "not_found");
    let suspend = "/v1/licenses/lic_01jtmxp1vyf5ntx9a1cqk8q4nk/suspend";
    shop.post(suspend, json!({"reason": "a"})).await.refused(404, "not_found");
    let assignment = "/v1/assignments/asg_01jtmxp1vyf5ntx9a1cqk8q4nk";
    shop.post(&format!("{assignment}/move"), json!({"host": "a"})).await.refused(404, "not_found");
    shop.delete(assignment).await.refused(404, "not_found");
    for action in ["commit", "cancel", "heartbeat"] {
        let url = format!("/v1/failbacks/fbk_01jtmxp1vyf5ntx9a1cqk8q4nk/{action}");
        shop.post(&url, json!({})).await.refused(404, "not_found");
    }
    let installation = "/v1/installations/ins_01jtmxp1vyf5ntx9a1cqk8q4nk";
    shop.post(&format!("{installation}/checkouts"), json!({"units": 1})).await.refused(404, "not_found");
    shop.post(&format!("{installation}/receipts"), json!({"receipt": "a"})).await.refused(404, "not_found");
    let lost = json!({"reason": "a", "units": "return"});
    shop.post(&format!("{installation}/retire"), lost).await.refused(404, "not_found");
    shop.post(&format!("{installation}/retire"), json!({"reason": "", "units": "return"}))
        .await
        .invalid_at(&["/reason"]);
    shop.post(&format!("{installation}/retire"), json!({"reason": "a", "units": "keep"}))
        .await
        .refused(422, "invalid_request");
    let host = json!({"account_id": NO_ACCOUNT, "host": "a"});
    shop.post("/v1/assignments", host).await.refused(404, "not_found");
    shop.post("/v1/assignments/bulk", json!({"account_id": NO_ACCOUNT, "items": [{"host": "a"}]}))
        .await
        .refused(404, "not_found");
    let failback = json!({"account_id": NO_ACCOUNT, "host": "a", "job_id": "a"});
    shop.post("/v1/failbacks", failback).await.refused(404, "not_found");
    let freeze = format!("{account}/freezes/frz_01jtmxp1vyf5ntx9a1cqk8q4nk");
    shop.call("DELETE", &freeze, Call::with_key(OPERATOR)).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_query_with_an_unknown_or_malformed_parameter_is_refused() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let cases = [
        ("/v1/orders?colour=red", "/colour"),
        ("/v1/orders?limit=0", "/limit"),
        ("/v1/orders?limit=101", "/limit"),
        ("/v1/orders?limit=-1", "/limit"),
        ("/v1/orders?limit=ten", "/limit"),
        ("/v1/orders?limit=1&limit=2", "/limit"),
        ("/v1/orders?cursor=abc", "/cursor"),
        ("/v1/orders?cursor=1zz", "/cursor"),
        ("/v1/orders?cursor=%F0%9F%98%80", "/cursor"),
        ("/v1/orders?account_id=me", "/account_id"),
        ("/v1/orders?resource_id=1", "/resource_id"),
        ("/v1/orders?license_id=1", "/license_id"),
        ("/v1/orders?kind=gift", "/kind"),
        ("/v1/orders?state=", "/state"),
        ("/v1/resources?state=gone", "/state"),
        ("/v1/resources?auto_renew=1", "/auto_renew"),
        ("/v1/resources?expires_before=soon", "/expires_before"),
        ("/v1/resources?product=a%20b", "/product"),
        ("/v1/resources?q=", "/q"),
        ("/v1/events?type=nothing", "/type"),
        ("/v1/events?after=1", "/after"),
        ("/v1/accounts?limit=1000", "/limit"),
        ("/v1/products?limit=x", "/limit"),
        ("/v1/licenses?kind=gold", "/kind"),
        ("/v1/licenses?status=gone", "/status"),
        ("/v1/licenses?source=thin-air", "/source"),
        ("/v1/licenses?account_id=me", "/account_id"),
        ("/v1/licenses.csv?cursor=1", "/cursor"),
        ("/v1/licenses/summary", "/account_id"),
        ("/v1/assignments?host=", "/host"),
        ("/v1/assignments?license_id=1", "/license_id"),
        ("/v1/assignments.csv?name=a", "/name"),
        ("/v1/failbacks?state=gone", "/state"),
        ("/v1/failbacks?host=%07", "/host"),
        ("/v1/installations", "/account_id"),
        ("/v1/activation-codes?redeemed=true", "/redeemed"),
    ];

    for (path, pointer) in cases {
        shop.get(path).await.invalid_at(&[pointer]);
    }
    for days in ["0", "367", "-1", "1.5", "many"] {
        shop.get(&format!("/v1/accounts/{account}/forecast?days={days}")).await.invalid_at(&["/days"]);
    }
}

#[tokio::test]
async fn a_product_with_a_wrong_value_is_not_stored() {
    let shop = Shop::at(NOW).await;
    let cases = [
        (json!({"name": "a", "kind": "thing"}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "license"}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "license", "license_kind": "gold"}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "license", "license_kind": "dr", "exempt": true}), 422, "not_for_licenses"),
        (json!({"name": "a", "kind": "license", "license_kind": "dr", "suspend": "never"}), 422, "not_for_licenses"),
        (
            json!({"name": "a", "kind": "license", "license_kind": "dr", "policy": {"window": "PT1H"}}),
            422,
            "not_for_licenses",
        ),
        (json!({"name": "a", "kind": "resource", "license_kind": "dr"}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "resource", "policy": {"window": "soon"}}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "resource", "policy": {"window": "P1M"}}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "resource", "policy": {"grace": "P1D"}}), 422, "invalid_request"),
        (json!({"name": "a", "kind": "resource", "suspend": "sometimes"}), 422, "invalid_request"),
        (
            json!({"name": "a", "kind": "resource", "policy": {"suspend_after": "P3D", "release_after": "P2D"}}),
            422,
            "release_too_early",
        ),
    ];

    for (body, status, code) in cases {
        shop.put("/v1/products/ip", body).await.refused(status, code);
    }
    let body = json!({"name": "a", "kind": "resource"});
    shop.put("/v1/products/no%20code", body).await.invalid_at(&["/code"]);
    shop.get("/v1/products/ip").await.is(404);
}

#[tokio::test]
async fn a_plan_with_a_wrong_value_is_not_stored() {
    let shop = Shop::at(NOW).await;
    let plan = |count: i64, price: i64| json!({"unit": "month", "count": count, "price": price, "currency": "CNY"});

    shop.put("/v1/products/uhost/plans/p", plan(0, 1)).await.refused(422, "invalid_term");
    shop.put("/v1/products/uhost/plans/p", plan(i64::MAX, 1)).await.refused(422, "invalid_term");
    shop.put("/v1/products/uhost/plans/p", plan(1, -1)).await.refused(422, "invalid_amount");
    shop.put("/v1/products/uhost/plans/p", plan(1, i64::MAX)).await.invalid_at(&["/price"]);
    shop.put("/v1/products/nosuch/plans/p", plan(1, 1)).await.refused(404, "not_found");
    shop.put("/v1/products/uhost/plans/monthly", plan(2, 1)).await.refused(409, "plan_fixed");
    let past =
        json!({"unit": "month", "count": 1, "price": 1, "currency": "CNY", "effective_from": "2025-05-08T01:59:59Z"});
    shop.put("/v1/products/uhost/plans/monthly", past).await.refused(422, "price_in_the_past");
    assert_eq!(shop.get("/v1/products/uhost").await.json["plans"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_license_is_sold_by_the_month_or_year_and_not_by_the_hour_or_day() {
    let shop = Shop::at(NOW).await;
    let plan = |unit: &str| json!({"unit": unit, "count": 1, "price": 1, "currency": "CNY"});
    shop.put("/v1/products/dr2", json!({"name": "a", "kind": "license", "license_kind": "dr"})).await.is(200);

    shop.put("/v1/products/dr2/plans/p", plan("hour")).await.refused(422, "invalid_term");
    shop.put("/v1/products/dr2/plans/p", plan("day")).await.refused(422, "invalid_term");
    shop.put("/v1/products/dr2/plans/p", plan("year")).await.is(200);
}

#[tokio::test]
async fn the_largest_price_and_quantity_are_refused_and_never_overflow() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    let plan = json!({"unit": "month", "count": 1, "price": 1_000_000_000_000_000_i64, "currency": "CNY"});
    shop.put("/v1/products/uhost/plans/gold", plan).await.is(200);

    let body = json!({"account_id": account, "product": "uhost", "plan": "gold", "quantity": 1_000_000, "terms": 1200,
        "pay_with": "wallet"});
    shop.post("/v1/orders", body).await.refused(422, "amount_too_large");
}

#[tokio::test]
async fn several_at_once_are_1_to_100() {
    let shop = Shop::at(NOW).await;
    let many: Vec<_> = (0..101).map(|_| "res_01jtmxp1vyf5ntx9a1cqk8q4nk").collect();
    let items: Vec<_> = many.iter().map(|id| json!({ "id": id })).collect();

    shop.post("/v1/resources/auto-renew", json!({"ids": [], "auto_renew": true})).await.invalid_at(&["/ids"]);
    shop.post("/v1/resources/auto-renew", json!({"ids": many, "auto_renew": true})).await.invalid_at(&["/ids"]);
    shop.post("/v1/resources/renewals", json!({"items": []})).await.invalid_at(&["/items"]);
    shop.post("/v1/resources/renewals", json!({ "items": items })).await.invalid_at(&["/items"]);
    let wrong = json!({"items": [{"id": "res_1"}, {"id": "res_2", "terms": 1, "until": "month_end", "plan": "a b"}]});
    let reply = shop.post("/v1/resources/renewals", wrong).await;
    reply.invalid_at(&["/items/1/plan", "/items/1/until"]);
    let unknown = json!({"items": [{"id": "res_1", "colour": "red"}]});
    shop.post("/v1/resources/renewals", unknown).await.invalid_at(&["/items/0/colour"]);
}

#[tokio::test]
async fn a_license_kind_is_named_with_a_license_and_only_then() {
    let shop = Shop::at(NOW).await;
    let missing = json!({"name": "a", "kind": "license"});
    shop.put("/v1/products/dr", missing).await.invalid_at(&["/license_kind"]);
    let needless = json!({"name": "a", "kind": "resource", "license_kind": "dr"});
    shop.put("/v1/products/dr", needless).await.invalid_at(&["/license_kind"]);
}

#[tokio::test]
async fn what_the_operator_does_to_a_license_needs_sane_values() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let good = json!({"account_id": account, "kind": "dr", "quantity": 1, "term": {"unit": "month", "count": 1}});
    let cases = [
        ("account_id", json!("me"), "invalid_request"),
        ("account_id", json!(null), "invalid_request"),
        ("kind", json!("gold"), "invalid_request"),
        ("quantity", json!(0), "invalid_quantity"),
        ("quantity", json!(10_001), "invalid_quantity"),
        ("quantity", json!(1.5), "invalid_request"),
        ("term", json!({"unit": "month"}), "invalid_request"),
        ("term", json!({"unit": "month", "count": 0}), "invalid_term"),
        ("term", json!({"unit": "year", "count": i64::MAX}), "invalid_term"),
        ("term", json!({"unit": "month", "count": 1, "more": 1}), "invalid_request"),
        ("reason", json!(" "), "invalid_request"),
        ("reason", json!("r".repeat(501)), "invalid_request"),
        ("auto_renew", json!(true), "invalid_request"),
    ];

    for (name, value, code) in cases {
        let mut body = good.clone();
        body[name] = value;
        shop.post("/v1/licenses", body).await.refused(422, code);
    }
    let mut nobody = good.clone();
    nobody["account_id"] = json!(NO_ACCOUNT);
    shop.post("/v1/licenses", nobody).await.refused(404, "not_found");
    let license = shop.post("/v1/licenses", good).await.is(201).id();
    for action in ["suspend", "reinstate", "revoke"] {
        let url = format!("/v1/licenses/{license}/{action}");
        shop.send_text("POST", &url, "").await.invalid_at(&["/reason"]);
        shop.post(&url, json!({"reason": ""})).await.invalid_at(&["/reason"]);
    }
    let events = shop.get("/v1/events").await.is(200);
    assert_eq!(events.json["data"].as_array().unwrap().len(), 1);
}
