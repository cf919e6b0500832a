//! Random lives of an account: what must hold after every step, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use domain::calendar::Unit;
use domain::event::{Body, Event, Reminded, ReminderReason};
use domain::id::ResourceId;
use domain::money::Amount;
use domain::order::{Order, OrderKind, OrderState, Trigger};
use domain::purchase::Purchase;
use domain::renewal::{Choice, Length};
use domain::resource::{Outcome, Resource, State};
use domain::time::Instant;
use proptest::prelude::*;
use testkit::rules::{Life, books, one_term, purchase};

use super::zones::{any_zone_and_instant, cases};

const GOODS: &str = "uhost/monthly month 1 12000 CNY; uhost/quarter month 3 30000 CNY; uhost/thirty day 30 11000 CNY; \
                     uhost/annual year 1 100000 CNY; gpu/hourly hour 1 100 CNY; gpu/six hour 6 500 CNY; \
                     site/monthly month 1 9000 CNY align=false; ddos/monthly month 1 8000 CNY exempt; \
                     ddos/three day 3 900 CNY; dns/monthly month 1 3000 CNY suspend=never; \
                     trial/day day 1 300 CNY release_when_off; \
                     scratch/week day 7 700 CNY suspend_after=P1D release_after=P2D warn_before=PT6H; \
                     free/monthly month 1 0 CNY";

const PLANS: [&str; 13] = [
    "uhost/monthly",
    "uhost/quarter",
    "uhost/thirty",
    "uhost/annual",
    "gpu/hourly",
    "gpu/six",
    "site/monthly",
    "ddos/monthly",
    "ddos/three",
    "dns/monthly",
    "trial/day",
    "scratch/week",
    "free/monthly",
];

/// What a customer, an operator or time does.
#[derive(Debug, Clone)]
enum Step {
    Credit(i64),
    Gift(i64),
    Freeze(i64),
    Unfreeze(prop::sample::Index),
    LimitCredit(i64),
    Buy { plan: &'static str, quantity: u32, length: Length, auto_renew: bool },
    Switch(prop::sample::Index, bool),
    Renew(prop::sample::Index, Choice),
    Delete(prop::sample::Index),
    Reprice(&'static str, i64),
    Revise(&'static str),
    Advance { seconds: i64 },
    GoDown { seconds: i64 },
}

fn any_length() -> impl Strategy<Value = Length> {
    prop_oneof![3 => (1..4_u32).prop_map(Length::Terms), 1 => Just(Length::MonthEnd)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let buy = (prop::sample::select(&PLANS[..]), 1..3_u32, any_length(), any::<bool>())
        .prop_map(|(plan, quantity, length, auto_renew)| Step::Buy { plan, quantity, length, auto_renew });
    let choice = (any_length(), prop::option::of(any::<bool>())).prop_map(|(length, auto_renew_after)| Choice {
        length,
        auto_renew_after,
        ..one_term()
    });
    let revision = prop::sample::select(&["suspend_after=P1D", "align=false", "release_after=P20D", "exempt"][..]);
    prop_oneof![
        4 => (1..40_000_i64).prop_map(Step::Credit),
        1 => (1..10_000_i64).prop_map(Step::Gift),
        1 => (1..9_000_i64).prop_map(Step::Freeze),
        1 => index().prop_map(Step::Unfreeze),
        1 => (0..20_000_i64).prop_map(Step::LimitCredit),
        5 => buy,
        3 => (index(), any::<bool>()).prop_map(|(index, on)| Step::Switch(index, on)),
        3 => (index(), choice).prop_map(|(index, choice)| Step::Renew(index, choice)),
        1 => index().prop_map(Step::Delete),
        1 => (prop::sample::select(&PLANS[..]), 0..15_000_i64).prop_map(|(plan, price)| Step::Reprice(plan, price)),
        1 => revision.prop_map(Step::Revise),
        8 => (1..4_000_000_i64).prop_map(|seconds| Step::Advance { seconds }),
        4 => (1..100_000_i64).prop_map(|seconds| Step::Advance { seconds }),
        3 => (1..4_000_000_i64).prop_map(|seconds| Step::GoDown { seconds }),
    ]
}

/// Does a step; what the rules refuse changes nothing.
fn take(life: &mut Life, step: &Step) {
    let some = |index: &prop::sample::Index, life: &Life| {
        let resources = life.resources();
        (!resources.is_empty()).then(|| resources[index.index(resources.len())].id)
    };
    match step {
        Step::Credit(minor) => drop(life.credit(*minor)),
        Step::Gift(minor) => drop(life.gift(*minor)),
        Step::Freeze(minor) => drop(life.freeze(*minor)),
        Step::Unfreeze(index) => {
            let freezes: Vec<_> = life.freezes().map(|freeze| freeze.id).collect();
            freezes.get(index.index(freezes.len().max(1))).into_iter().for_each(|id| life.unfreeze(*id));
        }
        Step::LimitCredit(minor) => drop(life.limit_credit(*minor)),
        Step::Buy { plan, quantity, length, auto_renew } => {
            let (quantity, length, auto_renew) = (*quantity, *length, Some(*auto_renew));
            drop(life.buy(Purchase { quantity, length, auto_renew, ..purchase(plan) }));
        }
        Step::Switch(index, on) => drop(some(index, life).map(|id| life.switch(id, *on))),
        Step::Renew(index, choice) => drop(some(index, life).map(|id| life.renew(id, *choice))),
        Step::Delete(index) => drop(some(index, life).map(|id| life.delete(id))),
        Step::Reprice(plan, price) => {
            let now = life.now();
            life.books.reprice_now(plan, *price, now);
        }
        Step::Revise(options) => {
            let now = life.now();
            life.books.revise("uhost", options, now);
        }
        Step::Advance { seconds } => life.advance_to_instant(life.now().plus_seconds(*seconds)),
        Step::GoDown { seconds } => life.down_until_instant(life.now().plus_seconds(*seconds)),
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn the_invariants_hold_after_every_step(
        (zone, start) in any_zone_and_instant(),
        steps in prop::collection::vec(any_step(), 1..30),
    ) {
        live(zone.name(), start, &steps);
    }

    #[test]
    fn an_outage_changes_no_booking(
        (zone, start) in any_zone_and_instant(),
        cash in 0..100_000_i64,
        plans in prop::collection::vec(prop::sample::select(&PLANS[..]), 1..4),
        seconds in 1..8_000_000_i64,
    ) {
        let mut awake = Life::new(books(zone.name(), GOODS), &start.to_string());
        awake.credit(cash + 1_000_000);
        plans.iter().for_each(|plan| { awake.buys(plan); });
        leave(&mut awake, cash);
        let mut down = awake.clone();
        let until = awake.now().plus_seconds(seconds);

        awake.advance_to_instant(until);
        down.down_until_instant(until);

        prop_assert_eq!(bookings(&awake), bookings(&down));
    }
}

/// Freezes all but so much.
pub fn leave(life: &mut Life, minor: i64) {
    let too_much = life.wallet().available().minor() - minor;
    let _ = life.freeze(too_much);
}

fn bookings(life: &Life) -> Vec<(Instant, i64)> {
    life.entries().iter().map(|entry| (entry.at, entry.postings.revenue.minor())).collect()
}

fn live(zone: &str, start: Instant, steps: &[Step]) {
    let mut life = Life::new(books(zone, GOODS), &start.to_string());
    for step in steps {
        let before = life.clone();
        take(&mut life, step);
        check_invariants(&life);
        check_finals(&before, &life);
    }
}

fn check_invariants(life: &Life) {
    check_wallet(life);
    check_charges(life);
    check_messages(life);
    for resource in life.resources() {
        check_state(life, resource);
        check_periods(life, resource);
        check_arrears(life, resource);
        check_attempts(life, resource);
        check_suspension(life, resource);
        check_release(life, resource);
    }
}

/// W-1, W-2: a wallet is the sum of its postings, and nothing is spent that is not there.
pub fn check_wallet(life: &Life) {
    let wallet = life.wallet();
    let (mut cash, mut gift) = (Amount::ZERO, Amount::ZERO);
    for (number, entry) in (1_u64..).zip(life.entries()) {
        assert!(entry.postings.are_balanced(), "{entry:?}");
        cash = cash.plus(entry.postings.cash).unwrap();
        gift = gift.plus(entry.postings.gift).unwrap();
        assert_eq!((entry.number, entry.cash_after, entry.gift_after), (number, cash, gift), "{entry:?}");
    }
    assert_eq!((wallet.cash, wallet.gift), (cash, gift));
    let standing = life.freezes().filter(|freeze| freeze.lifted_at.is_none());
    assert_eq!(wallet.frozen.minor(), standing.map(|freeze| freeze.amount.minor()).sum::<i64>());
    assert!(!wallet.available().is_negative(), "{wallet:?}");
    assert!(!wallet.gift.is_negative(), "{wallet:?}");
    assert!(wallet.cash.plus(wallet.credit_limit).unwrap() >= Amount::ZERO, "{wallet:?}");
}

/// B-4, R-8, P-4: every paid order is charged once, with its amount, the sum of its lines.
pub fn check_charges(life: &Life) {
    let mut charged: BTreeMap<_, i64> = BTreeMap::new();
    for entry in life.entries() {
        let revenue = entry.postings.revenue.minor();
        entry
            .order_id
            .into_iter()
            .for_each(|id| assert_eq!(charged.insert(id, revenue), None, "{id} is charged twice"));
    }
    for order in life.orders() {
        let is_paid = order.state == OrderState::Completed && order.amount > Amount::ZERO;
        assert_eq!(charged.remove(&order.id), is_paid.then_some(order.amount.minor()), "{order:?}");
        assert_eq!(order.lines.iter().map(|line| line.amount.minor()).sum::<i64>(), order.amount.minor(), "{order:?}");
        assert!(order.lines.is_sorted_by(|one, next| one.period.end == next.period.start), "{order:?}");
    }
    assert!(charged.is_empty(), "{charged:?}");
}

/// C-8: at most one reminder for an account and local day, and nothing happens in the future.
pub fn check_messages(life: &Life) {
    let mut days = BTreeSet::new();
    for event in life.events() {
        assert!(event.at <= life.now(), "{event:?} at {}", life.now());
        if matches!(event.body, Body::ReminderSent { reason: ReminderReason::Expiring, .. }) {
            let day = life.books.zone.date(event.at);
            assert!(days.insert(day), "a second reminder on {day}");
        }
    }
}

/// C-1, C-4: the state fits the expiry; what has ended has ended then.
fn check_state(life: &Life, resource: &Resource) {
    match resource.state {
        State::Active => assert!(resource.expires_at > life.now(), "{resource:?}"),
        State::Expired | State::Suspended => assert!(resource.expires_at <= life.now(), "{resource:?}"),
        State::Released | State::Deleted => assert!(resource.ended_at.is_some(), "{resource:?}"),
    }
    let never = life.books.books().policy(resource).suspend_after.is_none();
    assert!(!(never && resource.state == State::Suspended), "{resource:?}");
}

/// the paid periods tile the life of a resource, and automatic ones end aligned.
fn check_periods(life: &Life, resource: &Resource) {
    let is_charge = |order: &&Order| matches!(order.kind, OrderKind::Purchase | OrderKind::Renewal);
    let charges = life.orders().iter().filter(|order| order.resource_id == Some(resource.id)).filter(is_charge);
    let mut end = resource.started_at;
    for order in charges {
        let period = order.period.unwrap();
        assert_eq!(period.start, end, "{order:?}");
        end = period.end;
        if order.trigger == Trigger::Auto {
            check_automatic(life, order);
        }
    }
    assert_eq!(resource.expires_at, end, "{resource:?}");
}

/// an automatic renewal ends aligned, and one of an exempt product is made before the expiry.
fn check_automatic(life: &Life, order: &Order) {
    let (sold, period) = (order.sold.unwrap(), order.period.unwrap());
    let zone = &life.books.zone;
    match (sold.product.as_str(), order.lines[0].term.unit) {
        ("ddos", _) => assert!(order.created_at < period.start, "{order:?}"),
        // Whether these are aligned or exempt changes with their versions.
        ("uhost", _) | ("site", _) => {}
        (_, Unit::Month) => assert!(zone.is_month_start(period.end), "{order:?}"),
        (_, Unit::Hour) => assert!(zone.is_whole_hour(period.end), "{order:?}"),
        (_, Unit::Day | Unit::Year) => {}
    }
    assert!(order.created_at >= period.start || sold.product.as_str() == "ddos" || sold.product.as_str() == "uhost");
}

/// C-2, C-3: unpaid arrears stand only while a resource is in arrears; they tile the time from its expiry on.
fn check_arrears(life: &Life, resource: &Resource) {
    let arrears = life.orders_of(resource.id, OrderKind::Arrears);
    let starts: BTreeSet<_> = arrears.iter().map(|order| order.period.unwrap().start).collect();
    assert_eq!(starts.len(), arrears.len(), "two arrears orders of one start");
    let mut end = resource.expires_at;
    for order in arrears.iter().filter(|order| order.state == OrderState::Unpaid) {
        assert!(matches!(resource.state, State::Expired | State::Suspended), "{order:?} of {resource:?}");
        let period = order.period.unwrap();
        assert_eq!(period.start, end, "{order:?}");
        assert_eq!(life.books.zone.date(period.start), life.books.zone.date(period.end.plus_seconds(-1)), "{order:?}");
        end = period.end;
    }
    let until = resource.overdue.suspended_at.unwrap_or(life.now());
    assert!(end <= until.max(resource.expires_at), "arrears up to {end}, but {resource:?}");
}

/// attempts follow each other in time, and a success has its order.
fn check_attempts(life: &Life, resource: &Resource) {
    let attempts = life.attempts_of(resource.id);
    assert!(attempts.is_sorted_by(|one, next| one.at <= next.at), "{attempts:#?}");
    assert!(attempts.iter().all(|attempt| (attempt.outcome == Outcome::Succeeded) == attempt.order_id.is_some()));
}

/// C-5: a suspension came after the customer was told of the expiry for long enough.
fn check_suspension(life: &Life, resource: &Resource) {
    let policy = life.books.books().policy(resource);
    if let (Some(suspended_at), Some(suspend_after)) = (resource.overdue.suspended_at, policy.suspend_after) {
        let told_at = resource.overdue.told_at.unwrap();
        let [waited, warned] = [suspend_after, policy.warn_before].map(|wait| life.books.zone.after(told_at, wait));
        assert!(suspended_at >= waited.min(warned), "suspended at {suspended_at}, told at {told_at}");
        // Hours are absolute, whatever clocks do meanwhile.
        let seconds = suspended_at.seconds_since(resource.expires_at);
        assert!(seconds >= i64::from(suspend_after.seconds), "suspended {seconds} s after the expiry");
    }
}

/// C-5, C-6: a release came after a warning that was old enough and, with the switch on, an attempt that failed.
fn check_release(life: &Life, resource: &Resource) {
    if resource.state != State::Released {
        return;
    }
    let policy = life.books.books().policy(resource);
    let ended_at = resource.ended_at.unwrap();
    assert!(policy.exempt || policy.suspend_after.is_some(), "{resource:?}");
    assert!(resource.auto_renew || policy.release_when_off, "{resource:?}");
    let warned = warned_at(life, resource.id, ReminderReason::Release);
    let in_time = warned.iter().any(|at| {
        let is_old = ended_at.seconds_since(*at) >= i64::from(policy.warn_before.seconds);
        is_old && life.books.zone.after(*at, policy.warn_before) <= ended_at
    });
    assert!(in_time, "released at {ended_at}, warned at {warned:?}");
    let failed = life.attempts_of(resource.id).into_iter().any(|attempt| {
        attempt.outcome != Outcome::Succeeded && attempt.at >= resource.expires_at && attempt.at <= ended_at
    });
    assert!(failed || !resource.auto_renew || policy.exempt, "no attempt on {resource:?}");
}

/// When warnings about a resource were sent since its expiry.
fn warned_at(life: &Life, id: ResourceId, about: ReminderReason) -> Vec<Instant> {
    let expiry = life.resource(id).expires_at;
    let names_it = |named: &[Reminded]| named.iter().any(|reminded| reminded.resource_id == Some(id));
    let is_about_it = |event: &&Event| matches!(&event.body, Body::ReminderSent { reason, resources } if *reason == about && names_it(resources));
    let sent = life.events().iter().filter(is_about_it);
    sent.map(|event| event.at).filter(|at| *at >= expiry).collect()
}

/// What has ended does not change any more.
fn check_finals(before: &Life, after: &Life) {
    for resource in before.resources().iter().filter(|resource| resource.state.is_final()) {
        assert_eq!(resource, after.resource(resource.id));
    }
}
