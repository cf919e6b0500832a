//! Every operation of the API, tried with the key of another account: nothing is seen, nothing is changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::shop::{Call, Shop};

use Answer::{Forbidden, NotFound, NotFoundInside, Open};

const NOW: &str = "2025-05-08T02:00:00Z";

/// How the key of another account is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It may: the thing belongs to nobody.
    Open,
    /// Only the operator may.
    Forbidden,
    /// There is no such thing for it.
    NotFound,
    /// There is no such thing for it: a result of several.
    NotFoundInside,
}

/// An operation, by its id in the OpenAPI document, and a call of it.
struct Trial {
    operation: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    answer: Answer,
}

fn trial(operation: &'static str, method: &'static str, path: String, body: Value, answer: Answer) -> Trial {
    Trial { operation, method, path, body, answer }
}

/// One thing of each kind, of one account.
struct Belongings {
    account: String,
    resource: String,
    order: String,
    freeze: String,
    license: String,
    assignment: String,
    failback: String,
    installation: String,
    code: String,
    payment: String,
    unapplied: String,
}

impl Belongings {
    async fn of(shop: &Shop) -> Self {
        let account = shop.account(100_000).await;
        let (resource, license) = (shop.buys(&account, "thirty").await, shop.buys_dr(&account, 2).await);
        let order = shop.get("/v1/orders").await.text_at("/data/0/id").to_owned();
        let freeze = json!({"amount": 1, "reason": "deposit"});
        let freeze = shop.post(&format!("/v1/accounts/{account}/freezes"), freeze).await.is(201).id();
        let assignment = shop.assigns(&account, "web-1").await;
        let failback = json!({"account_id": account, "host": "web-1", "job_id": "job-1"});
        let failback = shop.post("/v1/failbacks", failback).await.is(201).id();
        let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let installation = json!({"account_id": account, "name": "site B", "public_key": key});
        let installation = shop.post("/v1/installations", installation).await.is(201).id();
        let code = json!({"kind": "dr", "quantity": 1, "term": {"unit": "month", "count": 1}});
        let code = shop.post("/v1/activation-codes", code).await.is(201).text_at("/code").to_owned();
        let pending = json!({"amount": 500});
        let pending = shop.post(&format!("/v1/accounts/{account}/recharges"), pending).await.is(201);
        shop.call("GET", &format!("/checkout/{}", pending.id()), Call::default()).await.is(200);
        let payment = shop.get("/v1/payments").await.text_at("/data/0/id").to_owned();
        let arrived = json!({"amount": 499, "currency": "CNY", "reference": "bank 1"});
        shop.post(&format!("/v1/payments/{payment}/confirm"), arrived).await.is(200);
        let unapplied = shop.get("/v1/unapplied").await.text_at("/data/0/id").to_owned();
        Self { account, resource, order, freeze, license, assignment, failback, installation, code, payment, unapplied }
    }

    /// Everything of the account that can be read.
    async fn read(&self, shop: &Shop) -> Vec<Value> {
        let Self { account, resource, license, assignment, failback, installation, .. } = self;
        let urls = [
            format!("/v1/accounts/{account}/balance"),
            format!("/v1/resources/{resource}"),
            format!("/v1/licenses/{license}"),
            format!("/v1/licenses?account_id={account}"),
            format!("/v1/assignments/{assignment}"),
            format!("/v1/failbacks/{failback}"),
            format!("/v1/installations/{installation}"),
            format!("/v1/orders?account_id={account}"),
            format!("/v1/events?account_id={account}&limit=100"),
        ];
        let mut read = Vec::new();
        for url in urls {
            read.push(shop.get(&url).await.is(200).json);
        }
        read
    }

    /// One call of each operation of the API.
    fn trials(&self) -> Vec<Trial> {
        let Self { account: own, resource, order, freeze, license, assignment, failback, installation, code, .. } =
            self;
        let (payment, held) = (format!("/v1/payments/{}", self.payment), format!("/v1/unapplied/{}", self.unapplied));
        let arrived = json!({"amount": 1, "currency": "CNY", "reference": "bank 2"});
        let none = json!({});
        let (account, of_own) = (format!("/v1/accounts/{own}"), format!("?account_id={own}"));
        let resource_url = format!("/v1/resources/{resource}");
        let (license_url, reason) = (format!("/v1/licenses/{license}"), json!({"reason": "a"}));
        let (assignment, failback) = (format!("/v1/assignments/{assignment}"), format!("/v1/failbacks/{failback}"));
        let installation = format!("/v1/installations/{installation}");
        let month = json!({"unit": "month", "count": 1});
        let grant = json!({"account_id": own, "kind": "dr", "quantity": 1, "term": month});
        let code_body = json!({"kind": "dr", "quantity": 1, "term": month});
        let off = json!({"auto_renew": false});
        vec![
            trial("show", "GET", "/v1/test-clock".into(), none.clone(), Open),
            trial("advance", "POST", "/v1/test-clock/advance".into(), json!({"to": "2025-06-08T02:00:00Z"}), Forbidden),
            trial("list_accounts", "GET", "/v1/accounts".into(), none.clone(), Forbidden),
            trial(
                "open_account",
                "POST",
                "/v1/accounts".into(),
                json!({"name": "a", "email": "a@a.example", "currency": "CNY"}),
                Forbidden,
            ),
            trial("get_account", "GET", account.clone(), none.clone(), NotFound),
            trial("edit_account", "PATCH", account.clone(), json!({"name": "a"}), Forbidden),
            trial("add_api_key", "POST", format!("{account}/api-keys"), json!({"name": "a"}), Forbidden),
            trial("get_balance", "GET", format!("{account}/balance"), none.clone(), NotFound),
            trial(
                "credit_account",
                "POST",
                format!("{account}/credits"),
                json!({"amount": 1, "kind": "cash"}),
                Forbidden,
            ),
            trial("get_forecast", "GET", format!("{account}/forecast"), none.clone(), NotFound),
            trial("freeze", "POST", format!("{account}/freezes"), json!({"amount": 1, "reason": "a"}), Forbidden),
            trial("lift_freeze", "DELETE", format!("{account}/freezes/{freeze}"), none.clone(), Forbidden),
            trial("list_transactions", "GET", format!("{account}/transactions"), none.clone(), NotFound),
            trial("list_products", "GET", "/v1/products".into(), none.clone(), Open),
            trial("get_product", "GET", "/v1/products/uhost".into(), none.clone(), Open),
            trial("put_product", "PUT", "/v1/products/ip".into(), json!({"name": "a", "kind": "resource"}), Forbidden),
            trial(
                "put_plan",
                "PUT",
                "/v1/products/uhost/plans/free".into(),
                json!({"unit": "month", "count": 1, "price": 0, "currency": "CNY"}),
                Forbidden,
            ),
            trial("list_orders", "GET", format!("/v1/orders{of_own}"), none.clone(), NotFound),
            trial(
                "buy",
                "POST",
                "/v1/orders".into(),
                json!({"account_id": own, "product": "uhost", "plan": "thirty", "pay_with": "checkout"}),
                NotFound,
            ),
            trial("get_order", "GET", format!("/v1/orders/{order}"), none.clone(), NotFound),
            trial("refund_order", "POST", format!("/v1/orders/{order}/refunds"), none.clone(), NotFound),
            trial("list_resources", "GET", format!("/v1/resources{of_own}"), none.clone(), NotFound),
            trial("get_resource", "GET", resource_url.clone(), none.clone(), NotFound),
            trial("switch_resource", "PATCH", resource_url.clone(), off.clone(), NotFound),
            trial("delete_resource", "DELETE", resource_url.clone(), none.clone(), NotFound),
            trial("list_attempts", "GET", format!("{resource_url}/attempts"), none.clone(), NotFound),
            trial("renew_resource", "POST", format!("{resource_url}/renewals"), none.clone(), NotFound),
            trial("preview_renewal", "POST", format!("{resource_url}/renewals/preview"), none.clone(), NotFound),
            trial(
                "switch_resources",
                "POST",
                "/v1/resources/auto-renew".into(),
                json!({"ids": [resource], "auto_renew": false}),
                NotFoundInside,
            ),
            trial(
                "renew_resources",
                "POST",
                "/v1/resources/renewals".into(),
                json!({"items": [{"id": resource}]}),
                NotFoundInside,
            ),
            trial("list_licenses", "GET", format!("/v1/licenses{of_own}"), none.clone(), NotFound),
            trial("export_licenses", "GET", format!("/v1/licenses.csv{of_own}"), none.clone(), NotFound),
            trial("get_license_summary", "GET", format!("/v1/licenses/summary{of_own}"), none.clone(), NotFound),
            trial("get_license", "GET", license_url.clone(), none.clone(), NotFound),
            trial("switch_license", "PATCH", license_url.clone(), off, NotFound),
            trial("list_allocations", "GET", format!("{license_url}/allocations"), none.clone(), NotFound),
            trial("list_license_attempts", "GET", format!("{license_url}/attempts"), none.clone(), NotFound),
            trial("grant_license", "POST", "/v1/licenses".into(), grant, Forbidden),
            trial("suspend_license", "POST", format!("{license_url}/suspend"), reason.clone(), Forbidden),
            trial("reinstate_license", "POST", format!("{license_url}/reinstate"), reason.clone(), Forbidden),
            trial("revoke_license", "POST", format!("{license_url}/revoke"), reason, Forbidden),
            trial("list_assignments", "GET", format!("/v1/assignments{of_own}"), none.clone(), NotFound),
            trial("export_assignments", "GET", format!("/v1/assignments.csv{of_own}"), none.clone(), NotFound),
            trial("assign", "POST", "/v1/assignments".into(), json!({"account_id": own, "host": "a"}), NotFound),
            trial(
                "assign_many",
                "POST",
                "/v1/assignments/bulk".into(),
                json!({"account_id": own, "items": [{"host": "a"}]}),
                NotFound,
            ),
            trial("get_assignment", "GET", assignment.clone(), none.clone(), NotFound),
            trial("release_assignment", "DELETE", assignment.clone(), none.clone(), NotFound),
            trial("move_assignment", "POST", format!("{assignment}/move"), json!({"host": "a"}), NotFound),
            trial("list_failbacks", "GET", format!("/v1/failbacks{of_own}"), none.clone(), NotFound),
            trial(
                "start_failback",
                "POST",
                "/v1/failbacks".into(),
                json!({"account_id": own, "host": "a", "job_id": "job-1"}),
                NotFound,
            ),
            trial("get_failback", "GET", failback.clone(), none.clone(), NotFound),
            trial("commit_failback", "POST", format!("{failback}/commit"), none.clone(), NotFound),
            trial("cancel_failback", "POST", format!("{failback}/cancel"), none.clone(), NotFound),
            trial("beat_failback", "POST", format!("{failback}/heartbeat"), none.clone(), NotFound),
            trial("validate", "POST", "/v1/validate".into(), json!({"account_id": own, "nonce": "9f86d081"}), NotFound),
            trial("list_installations", "GET", format!("/v1/installations{of_own}"), none.clone(), NotFound),
            trial(
                "register_installation",
                "POST",
                "/v1/installations".into(),
                json!({"account_id": own, "name": "a", "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
                NotFound,
            ),
            trial("get_installation", "GET", installation.clone(), none.clone(), NotFound),
            trial("check_out_units", "POST", format!("{installation}/checkouts"), json!({"units": 1}), NotFound),
            trial(
                "retire_installation",
                "POST",
                format!("{installation}/retire"),
                json!({"reason": "a", "units": "consume"}),
                Forbidden,
            ),
            trial("settle_receipt", "POST", format!("{installation}/receipts"), json!({"receipt": "a"}), NotFound),
            trial("issue_license_file", "POST", "/v1/license-files".into(), json!({"account_id": own}), NotFound),
            trial("list_activation_codes", "GET", "/v1/activation-codes".into(), none.clone(), Forbidden),
            trial("add_activation_code", "POST", "/v1/activation-codes".into(), code_body, Forbidden),
            trial(
                "redeem_activation_code",
                "POST",
                "/v1/activation-codes/redeem".into(),
                json!({"account_id": own, "code": code}),
                NotFound,
            ),
            trial("recharge_account", "POST", format!("{account}/recharges"), json!({"amount": 1}), NotFound),
            trial("get_recharge_limits", "GET", format!("{account}/recharge-limits"), none.clone(), NotFound),
            trial("list_payment_methods", "GET", format!("{account}/payment-methods"), none.clone(), NotFound),
            trial(
                "remove_payment_method",
                "DELETE",
                "/v1/payment-methods/pmt_01jtmxp1vyf5ntx9a1cqk8q4nk".into(),
                none.clone(),
                NotFound,
            ),
            trial("list_payments", "GET", format!("/v1/payments{of_own}"), none.clone(), NotFound),
            trial("get_payment", "GET", payment.clone(), none.clone(), NotFound),
            trial("check_payment", "POST", format!("{payment}/check"), none.clone(), NotFound),
            trial("confirm_payment", "POST", format!("{payment}/confirm"), arrived, Forbidden),
            trial("list_unapplied", "GET", "/v1/unapplied".into(), none.clone(), Forbidden),
            trial("credit_unapplied", "POST", format!("{held}/credit"), json!({"account_id": own}), Forbidden),
            trial("refund_unapplied", "POST", format!("{held}/refund"), none.clone(), Forbidden),
            trial("list_events", "GET", format!("/v1/events{of_own}"), none, NotFound),
        ]
    }
}

#[tokio::test]
async fn every_operation_keeps_another_account_out() {
    let shop = Shop::with_transfers(NOW).await;
    let own = Belongings::of(&shop).await;
    let key = shop.key_of(&shop.account(0).await).await;
    let before = own.read(&shop).await;

    for Trial { operation, method, path, body, answer } in own.trials() {
        let call = Call::with_key(&key);
        let call = if ["GET", "DELETE"].contains(&method) { call } else { call.body(body.to_string()) };
        let reply = shop.call(method, &path, call).await;
        let code = if answer == NotFoundInside { reply.text_at("/data/0/code") } else { reply.code() };
        let expected = match answer {
            // The code of a product is not that of a problem.
            Open => (200, code),
            Forbidden => (403, "forbidden"),
            NotFound => (404, "not_found"),
            NotFoundInside => (200, "not_found"),
        };
        assert_eq!((reply.status, code), expected, "{operation}: {}", reply.text);
    }
    assert_eq!(own.read(&shop).await, before);
}

#[tokio::test]
async fn every_operation_is_tried() {
    let shop = Shop::with_transfers(NOW).await;
    let own = Belongings::of(&shop).await;
    let document = serde_json::to_value(web::openapi()).expect("plain data");
    let paths = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .filter(|(url, _)| url.starts_with("/v1/") && *url != "/v1/webhooks/stripe");
    let operations = paths.flat_map(|(_, item)| item.as_object().expect("methods").values());

    let all: BTreeSet<_> = operations.map(|operation| operation["operationId"].as_str().expect("an id")).collect();
    let tried: BTreeSet<_> = own.trials().iter().map(|trial| trial.operation).collect();

    assert_eq!(all, tried);
}
