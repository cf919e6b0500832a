//! What operators and customers do.

use serde_json::{Value, json};

use super::client::Answer;
use super::site::TestSite;
use super::wire::{Attempt, Balance, Event, Forecast, Order, Preview, Resource, Transaction};

impl TestSite {
    /// Sells a plan, such as `uhost/monthly` for `1 month`. The product is made when it is new.
    pub(crate) fn sells(&self, plan: &str, term: &str, price: i64) {
        self.sells_as(plan, term, price, &json!({}));
    }

    /// Sells a plan of a product with a policy of its own.
    pub(crate) fn sells_as(&self, plan: &str, term: &str, price: i64, policy: &Value) {
        let (product, _) = halves(plan, '/');
        let mut body = json!({"name": product, "kind": "resource"});
        let fields = body.as_object_mut().expect("an object");
        fields.extend(policy.as_object().expect("an object").clone());
        self.operator.put(&format!("/v1/products/{product}"), &body).expect(200);
        self.prices(plan, term, price, &json!({}));
    }

    /// Gives a plan another price.
    pub(crate) fn prices(&self, plan: &str, term: &str, price: i64, dates: &Value) {
        let (product, plan) = halves(plan, '/');
        let (count, unit) = halves(term, ' ');
        let count: u32 = count.parse().expect("a number");
        let mut body = json!({"unit": unit, "count": count, "price": price, "currency": "CNY"});
        body.as_object_mut().expect("an object").extend(dates.as_object().expect("an object").clone());
        self.operator.put(&format!("/v1/products/{product}/plans/{plan}"), &body).expect(200);
    }

    /// A new customer with cash.
    pub(crate) fn customer(&self, cash: i64) -> String {
        let body = json!({"name": "Mei", "email": "mei@example.com", "currency": "CNY"});
        let account = self.operator.post("/v1/accounts", &body).id(201);
        if cash > 0 {
            self.credits(&account, cash);
        }
        account
    }

    /// A key of a customer's own.
    pub(crate) fn key_of(&self, account: &str) -> String {
        let made = self.operator.post(&format!("/v1/accounts/{account}/api-keys"), &json!({"name": "test"}));
        made.expect(201)["key"].as_str().expect("a key").to_owned()
    }

    pub(crate) fn credits(&self, account: &str, cash: i64) {
        self.operator.post(&credits(account), &json!({"amount": cash, "kind": "cash"})).expect(201);
    }

    pub(crate) fn gives(&self, account: &str, gift: i64) {
        self.operator.post(&credits(account), &json!({"amount": gift, "kind": "gift"})).expect(201);
    }

    pub(crate) fn freezes(&self, account: &str, amount: i64) -> String {
        let body = json!({"amount": amount, "reason": "deposit"});
        self.operator.post(&format!("/v1/accounts/{account}/freezes"), &body).id(201)
    }

    pub(crate) fn frees(&self, account: &str, freeze: &str) {
        self.operator.delete(&format!("/v1/accounts/{account}/freezes/{freeze}")).expect(200);
    }

    pub(crate) fn limits_credit(&self, account: &str, credit_limit: i64) -> Answer {
        self.operator.patch(&format!("/v1/accounts/{account}"), &json!({"credit_limit": credit_limit}))
    }

    pub(crate) fn balance(&self, account: &str) -> Balance {
        self.operator.get(&format!("/v1/accounts/{account}/balance")).read(200)
    }

    pub(crate) fn transactions(&self, account: &str) -> Vec<Transaction> {
        self.operator.list(&format!("/v1/accounts/{account}/transactions"))
    }

    /// Buys one term out of the wallet. Gives the resource.
    pub(crate) fn buys(&self, account: &str, plan: &str) -> String {
        self.buys_as(account, plan, &json!({})).resource_id.expect("a resource")
    }

    /// Buys out of the wallet with fields of one's own.
    pub(crate) fn buys_as(&self, account: &str, plan: &str, fields: &Value) -> Order {
        self.operator.post("/v1/orders", &purchase(account, plan, fields)).read(201)
    }

    /// Gives a license for a year. Gives its id.
    pub(crate) fn grants(&self, account: &str, kind: &str, quantity: u32) -> String {
        let term = json!({"unit": "year", "count": 1});
        let body = json!({"account_id": account, "kind": kind, "quantity": quantity, "term": term});
        self.operator.post("/v1/licenses", &body).id(201)
    }

    /// Renews by hand.
    pub(crate) fn renews(&self, resource: &str, fields: &Value) -> Answer {
        self.operator.post(&format!("/v1/resources/{resource}/renewals"), fields)
    }

    pub(crate) fn preview(&self, resource: &str, fields: &Value) -> Preview {
        self.operator.post(&format!("/v1/resources/{resource}/renewals/preview"), fields).read(200)
    }

    pub(crate) fn switches(&self, resource: &str, auto_renew: bool) -> Answer {
        self.operator.patch(&format!("/v1/resources/{resource}"), &json!({"auto_renew": auto_renew}))
    }

    pub(crate) fn deletes(&self, resource: &str) -> Answer {
        self.operator.delete(&format!("/v1/resources/{resource}"))
    }

    pub(crate) fn resource(&self, resource: &str) -> Resource {
        self.operator.get(&format!("/v1/resources/{resource}")).read(200)
    }

    /// Orders of a filter such as `resource_id=res_...&kind=renewal`.
    pub(crate) fn orders(&self, filter: &str) -> Vec<Order> {
        self.operator.list(&format!("/v1/orders?{filter}"))
    }

    pub(crate) fn attempts(&self, resource: &str) -> Vec<Attempt> {
        self.operator.list(&format!("/v1/resources/{resource}/attempts"))
    }

    pub(crate) fn events(&self, account: &str) -> Vec<Event> {
        self.operator.list(&format!("/v1/events?account_id={account}"))
    }

    pub(crate) fn forecast(&self, account: &str, days: u32) -> Forecast {
        self.operator.get(&format!("/v1/accounts/{account}/forecast?days={days}")).read(200)
    }
}

/// The body of a purchase.
pub(crate) fn purchase(account: &str, plan: &str, fields: &Value) -> Value {
    let (product, plan) = halves(plan, '/');
    let mut body = json!({"account_id": account, "product": product, "plan": plan, "pay_with": "wallet"});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

fn credits(account: &str) -> String {
    format!("/v1/accounts/{account}/credits")
}

fn halves(text: &str, separator: char) -> (&str, &str) {
    text.split_once(separator).unwrap_or_else(|| panic!("{text:?} has no {separator:?}"))
}
