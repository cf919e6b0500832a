//! The process is killed in the middle of its work, again and again.
//!
//! What was acknowledged is there, exactly once. What was not acknowledged can be repeated under its key, and is there
//! exactly once afterwards. The clock does not go back.

use std::collections::BTreeMap;

use domain::time::Instant;
use serde_json::Value;

use crate::harness::{Customer, Deed, Dice, Load, TestSite};

const ROUNDS: u64 = 12;

#[test]
fn a_server_killed_under_load_keeps_what_it_acknowledged_and_does_nothing_twice() {
    let mut site = TestSite::at("2025-01-30 22:00:00");
    site.sells("gpu/hourly", "1 hour", 7);
    site.sells("backup/daily", "1 day", 50);
    site.sells("uhost/monthly", "1 month", 1_200);
    let plans = ["backup/daily", "uhost/monthly", "backup/daily", "gpu/hourly"];
    // Two can pay for everything, two live from hand to mouth: their resources expire and are suspended on the way.
    let cash = [10_000_000, 10_000_000, 3_000, 3_000];
    let mut customers: Vec<_> =
        (1..).zip(cash).map(|(seed, cash)| Customer::new(site.customer(cash), seed, &plans)).collect();

    (0..ROUNDS).for_each(|round| {
        customers = crash(&mut site, std::mem::take(&mut customers), round);
        customers.iter_mut().for_each(|customer| check(&site, customer));
    });

    site.stop();
    site.verify();
}

/// Lets customers and clock work, kills the server after some acknowledged writes, and starts it again.
fn crash(site: &mut TestSite, customers: Vec<Customer>, round: u64) -> Vec<Customer> {
    let load = Load::start(site, customers, usize::MAX).with_clock(site, 100 + round);
    load.wait_for(20 + Dice::seeded(round).below(200));
    site.kill();
    let (customers, moved_to) = load.end();
    site.verify();
    // The clock's start is in the past: the stored instant holds (T-5).
    site.restart("2025-01-30 22:00:00");
    assert!(Some(site.now()) >= moved_to, "the clock went back from {moved_to:?} to {}", site.now());
    assert!(Some(site.now()) >= customers.iter().filter_map(latest).max(), "something was done in the future");
    customers
}

fn latest(customer: &Customer) -> Option<Instant> {
    let done = customer.deeds.iter().filter_map(Deed::done);
    done.filter_map(|body| serde_json::from_value(body["created_at"].clone()).ok()).max()
}

/// Repeats what was not acknowledged, then looks for everything.
fn check(site: &TestSite, customer: &mut Customer) {
    let account = &customer.account;
    for deed in customer.deeds.iter_mut().filter(|deed| deed.answer.is_none()) {
        deed.send(&site.operator).expect("the server runs");
        repeat(site, deed);
    }
    let found = Found::of(site, account);
    for deed in &customer.deeds {
        found.check(deed);
    }
    // No deed has a second order, one that the customer was never told of.
    let n_ordered = customer.deeds.iter().filter(|deed| !deed.is_credit() && deed.done().is_some()).count();
    let n_found = found.orders.values().filter(|order| order["trigger"] == "operator").count();
    assert_eq!(n_found, n_ordered, "orders of {account}");
    let last = customer.deeds.iter().rev().find(|deed| deed.done().is_some());
    repeat(site, last.expect("something was done"));
}

/// What was done answers the same again, and says that it was done before.
fn repeat(site: &TestSite, deed: &Deed) {
    let Some(done) = deed.done() else { return };
    let again = site.operator.post_as(&deed.key, &deed.path, &deed.body);
    assert_eq!((again.status, again.is_replay, &again.body), (201, true, done), "{deed:?}");
}

/// All orders and transactions of an account, and how many resources were bought under each key.
struct Found {
    orders: BTreeMap<String, Value>,
    transactions: BTreeMap<String, Value>,
    n_of_reference: BTreeMap<String, u32>,
    n_of_key: BTreeMap<String, u32>,
}

impl Found {
    fn of(site: &TestSite, account: &str) -> Self {
        let orders: Vec<Value> = site.operator.list(&format!("/v1/orders?account_id={account}"));
        let transactions: Vec<Value> = site.operator.list(&format!("/v1/accounts/{account}/transactions"));
        let resources: Vec<Value> = site.operator.list(&format!("/v1/resources?account_id={account}"));
        Self {
            n_of_reference: count(transactions.iter().map(|transaction| &transaction["reference"])),
            n_of_key: count(resources.iter().map(|resource| &resource["configuration"]["key"])),
            orders: by_id(orders),
            transactions: by_id(transactions),
        }
    }

    fn check(&self, deed: &Deed) {
        let Some(done) = deed.done() else { return };
        let id = done["id"].as_str().expect("an id");
        if deed.is_credit() {
            assert_eq!(self.transactions.get(id), Some(done), "{deed:?}");
            assert_eq!(self.n_of_reference.get(&deed.key), Some(&1), "{deed:?}");
            return;
        }
        let mut order = done.clone();
        order.as_object_mut().expect("an object").remove("auto_renew_after");
        assert_eq!(self.orders.get(id), Some(&order), "{deed:?}");
        if deed.is_purchase() {
            assert_eq!(self.n_of_key.get(&deed.key), Some(&1), "{deed:?}");
        }
    }
}

fn by_id(rows: Vec<Value>) -> BTreeMap<String, Value> {
    let n_rows = rows.len();
    let by_id: BTreeMap<_, _> =
        rows.into_iter().map(|row| (row["id"].as_str().expect("an id").to_owned(), row)).collect();
    assert_eq!(by_id.len(), n_rows, "an id twice in a list");
    by_id
}

fn count<'a>(names: impl Iterator<Item = &'a Value>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for name in names.filter_map(Value::as_str) {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    counts
}
