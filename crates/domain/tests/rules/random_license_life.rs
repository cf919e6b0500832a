//! Random lives of an account with licenses: what must hold after every step, whatever happens and whatever is repeated.
//!
//! [`Life`] itself insists on what the database insists on: units and counts that agree, one unit for one host, one failback
//! for a job, a log without overlaps, one charge for a period.

use std::collections::{BTreeMap, BTreeSet};

use domain::activation::{Grant, Intervention};
use domain::event::{Body, Event, Subject};
use domain::failback::{Failback, State as FailbackState};
use domain::id::{CodeId, FailbackId, InstallationId, LicenseId};
use domain::installation::{Fate, Receipt, Settled};
use domain::license::{Kind, License, Source, State};
use domain::order::{Order, OrderKind, OrderState};
use domain::purchase::Purchase;
use domain::renewal::Length;
use domain::resource::{Outcome, Run};
use domain::time::Instant;
use domain::unit::{Allocation, Ending};
use domain::verdict::{Operation, judge};
use proptest::prelude::*;
use proptest::sample::Index;
use testkit::rules::{Life, books, license_purchase, months, purchase, receipt, unused, used};

use super::random_life::{check_charges, check_messages, check_wallet, leave};
use super::zones::{any_zone_and_instant, cases};

const GOODS: &str = "dr/monthly month 1 900 CNY dr; dr/annual year 1 8000 CNY; dr/day day 1 40 CNY; dr/free month 1 0 CNY; \
                     fb/standard month 3 500 CNY failback; fb/week day 7 90 CNY; uhost/thirty day 30 1000 CNY; \
                     dns/monthly month 1 300 CNY suspend=never";
const LICENSES: [&str; 6] = ["dr/monthly", "dr/annual", "dr/day", "dr/free", "fb/standard", "fb/week"];
const RESOURCES: [&str; 2] = ["uhost/thirty", "dns/monthly"];
const HOSTS: [&str; 5] = ["ada", "bob", "cid", "dee", "eve"];
const JOBS: [&str; 6] = ["job-1", "job-2", "job-3", "job-4", "job-5", "job-6"];
const INSTALLATIONS: [&str; 2] = ["plant", "ship"];

/// A unit of a receipt: which of those that are held, and the job and host that used it.
type Used = (Index, Option<(&'static str, &'static str)>);

/// What a customer, an operator, an installation or time does.
#[derive(Debug, Clone)]
enum Step {
    Credit(i64),
    Leave(i64),
    Buy { plan: &'static str, quantity: u32, terms: u32, auto_renew: bool },
    BuyResource(&'static str),
    Order(&'static str),
    Reprice(&'static str, i64),
    Switch(Index, bool),
    Intervene(Index, Intervention),
    Grant(Grant),
    Redeem(Index),
    Assign(&'static str),
    AssignFrom(&'static str, Index),
    Move(Index, &'static str),
    Release(Index),
    Start(&'static str, &'static str),
    Commit(Index),
    Cancel(Index),
    Beat(Index),
    CheckOut(&'static str, u32),
    Settle { name: &'static str, rise: i64, units: Vec<Used>, stray: bool },
    SettleAgain(&'static str),
    Retire(&'static str, Fate),
    IssueFile,
    Advance { seconds: i64 },
    GoDown { seconds: i64 },
}

/// A step, and how many seconds the worker is behind when it is taken.
fn any_late_step() -> impl Strategy<Value = (i64, Step)> {
    let behind = prop_oneof![8 => Just(0), 1 => 1..301_i64, 1 => 1..600_000_i64];
    (behind, any_step())
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let host = || prop::sample::select(&HOSTS[..]);
    let job = || prop::sample::select(&JOBS[..]);
    let name = || prop::sample::select(&INSTALLATIONS[..]);
    let plan = || prop::sample::select(&LICENSES[..]);
    let buy = (plan(), 1..4_u32, 1..3_u32, any::<bool>()).prop_map(|(plan, quantity, terms, auto_renew)| Step::Buy {
        plan,
        quantity,
        terms,
        auto_renew,
    });
    let intervention = prop::sample::select(
        &[
            Intervention::Suspend,
            Intervention::Suspend,
            Intervention::Reinstate,
            Intervention::Reinstate,
            Intervention::Revoke,
        ][..],
    );
    let kind = prop::sample::select(&[Kind::Dr, Kind::Failback][..]);
    let grant = (kind, 1..4_u32, 1..3_u32)
        .prop_map(|(kind, quantity, count)| Step::Grant(Grant { kind, quantity, term: months(count) }));
    let units = prop::collection::vec((index(), prop::option::of((job(), host()))), 0..4);
    let settle = (name(), -2..4_i64, units, prop::bool::weighted(0.1))
        .prop_map(|(name, rise, units, stray)| Step::Settle { name, rise, units, stray });
    let money = prop_oneof![
        5 => (1..4_000_i64).prop_map(Step::Credit),
        2 => (0..1_000_i64).prop_map(Step::Leave),
        7 => buy,
        1 => prop::sample::select(&RESOURCES[..]).prop_map(Step::BuyResource),
        1 => plan().prop_map(Step::Order),
        1 => (plan(), 0..1_500_i64).prop_map(|(plan, price)| Step::Reprice(plan, price)),
        3 => (index(), any::<bool>()).prop_map(|(index, on)| Step::Switch(index, on)),
        4 => (index(), intervention).prop_map(|(index, intervention)| Step::Intervene(index, intervention)),
        1 => grant,
        1 => index().prop_map(Step::Redeem),
    ];
    let hosts = prop_oneof![
        4 => host().prop_map(Step::Assign),
        2 => (host(), index()).prop_map(|(host, index)| Step::AssignFrom(host, index)),
        2 => (index(), host()).prop_map(|(index, host)| Step::Move(index, host)),
        2 => index().prop_map(Step::Release),
    ];
    let failbacks = prop_oneof![
        4 => (job(), host()).prop_map(|(job, host)| Step::Start(job, host)),
        4 => index().prop_map(Step::Commit),
        2 => index().prop_map(Step::Cancel),
        1 => index().prop_map(Step::Beat),
    ];
    let offline = prop_oneof![
        2 => (name(), 1..4_u32).prop_map(|(name, n_units)| Step::CheckOut(name, n_units)),
        3 => settle,
        1 => name().prop_map(Step::SettleAgain),
        1 => (name(), prop::sample::select(&[Fate::Return, Fate::Consume][..])).prop_map(|(name, fate)| Step::Retire(name, fate)),
        1 => Just(Step::IssueFile),
    ];
    let time = prop_oneof![
        1 => (1..4_000_000_i64).prop_map(|seconds| Step::Advance { seconds }),
        3 => (1..600_000_i64).prop_map(|seconds| Step::Advance { seconds }),
        1 => (1..3_000_000_i64).prop_map(|seconds| Step::GoDown { seconds }),
        1 => (1..600_000_i64).prop_map(|seconds| Step::GoDown { seconds }),
        1 => (1..301_i64).prop_map(|seconds| Step::GoDown { seconds }),
    ];
    prop_oneof![6 => money, 4 => hosts, 4 => failbacks, 3 => offline, 3 => time]
}

/// An account, and what its customer and operator remember of it.
#[derive(Debug, Clone)]
struct World {
    life: Life,
    codes: Vec<CodeId>,
    receipts: BTreeMap<InstallationId, Receipt>,
    n_receipts: u8,
}

impl World {
    fn new(zone: &str, start: Instant) -> Self {
        let mut life = Life::new(books(zone, GOODS), &start.to_string());
        life.credit(2_000);
        let code = |kind, count| Grant { kind, quantity: 2, term: months(count) };
        let codes = vec![life.make_code(code(Kind::Dr, 1)), life.make_code(code(Kind::Failback, 2))];
        Self { life, codes, receipts: BTreeMap::new(), n_receipts: 0 }
    }

    /// Mostly a license to which it may happen.
    fn some_license(&self, index: Index, suits: impl Fn(&License) -> bool) -> Option<LicenseId> {
        let all = self.life.licenses();
        let mut suiting: Vec<_> = all.iter().filter(|license| suits(license)).collect();
        suiting.extend(all.last());
        some(&suiting, index).map(|license| license.id)
    }

    /// Mostly a failback that runs or lapsed.
    fn some_failback(&self, index: Index) -> Option<FailbackId> {
        let all = self.life.failbacks();
        let goes_on = |failback: &&Failback| matches!(failback.state, FailbackState::Reserved | FailbackState::Lapsed);
        let mut suiting: Vec<_> = all.iter().filter(goes_on).collect();
        suiting.extend(all.last());
        some(&suiting, index).map(|failback| failback.id)
    }

    fn installation(&mut self, name: &str) -> InstallationId {
        self.life.register(name, 1).unwrap()
    }

    /// Does a step and with it what was due; what the rules refuse changes nothing.
    fn take(&mut self, (behind, step): &(i64, Step)) {
        self.life.stand_at_instant(self.life.now().plus_seconds(*behind));
        self.take_step(step);
        self.life.down_until_instant(self.life.now());
    }

    fn take_step(&mut self, step: &Step) {
        let life = &mut self.life;
        match step {
            Step::Credit(minor) => drop(life.credit(*minor)),
            Step::Leave(minor) => leave(life, *minor),
            Step::Buy { plan, quantity, terms, auto_renew } => {
                let wanted = license_purchase(plan, *quantity);
                let auto_renew = wanted.auto_renew.map(|_| *auto_renew);
                let length = if plan.starts_with("dr") { Length::Terms(*terms) } else { wanted.length };
                drop(life.buy_license(Purchase { auto_renew, length, ..wanted }));
            }
            Step::BuyResource(plan) => drop(life.buy(purchase(plan))),
            Step::Order(plan) => drop(life.order(license_purchase(plan, 1))),
            Step::Reprice(plan, price) => {
                let now = life.now();
                life.books.reprice_now(plan, *price, now);
            }
            Step::Switch(index, on) => {
                let id = self.some_license(*index, |license| !license.state.is_final() && license.auto_renew != *on);
                drop(id.map(|id| self.life.switch_license(id, *on)));
            }
            Step::Intervene(index, intervention) => {
                let suits = |license: &License| match intervention {
                    Intervention::Reinstate => license.state == State::Suspended,
                    Intervention::Suspend | Intervention::Revoke => !license.state.is_final(),
                };
                let id = self.some_license(*index, suits);
                drop(id.map(|id| self.life.intervene(id, *intervention, "a reason")));
            }
            Step::Grant(grant) => drop(life.grant(grant)),
            Step::Redeem(index) => drop(life.redeem(self.codes[index.index(self.codes.len())])),
            Step::Assign(host) => drop(life.assign(host)),
            Step::AssignFrom(host, index) => {
                let id = self.some_license(*index, |license| license.kind == Kind::Dr && license.state == State::Valid);
                drop(id.map(|id| self.life.assign_from(host, id)));
            }
            Step::Move(index, host) => {
                let id = some(life.assignments(), *index).map(|assignment| assignment.id);
                drop(id.map(|id| life.move_to(id, host)));
            }
            Step::Release(index) => {
                let id = some(life.assignments(), *index).map(|assignment| assignment.id);
                drop(id.map(|id| life.release(id)));
            }
            Step::Start(job, host) => drop(life.start_failback(job, host)),
            Step::Commit(index) => drop(self.some_failback(*index).map(|id| self.life.commit(id))),
            Step::Cancel(index) => drop(self.some_failback(*index).map(|id| self.life.cancel(id))),
            Step::Beat(index) => drop(self.some_failback(*index).map(|id| self.life.beat(id))),
            Step::CheckOut(name, n_units) => {
                let id = self.installation(name);
                drop(self.life.check_out(id, *n_units));
            }
            Step::Settle { name, rise, units, stray } => self.settle(name, *rise, units, *stray),
            Step::SettleAgain(name) => {
                let id = self.installation(name);
                drop(self.receipts.get(&id).cloned().map(|receipt| self.life.settle(id, receipt)));
            }
            Step::Retire(name, fate) => {
                let id = self.installation(name);
                self.life.retire(id, *fate, "lost").unwrap();
            }
            Step::IssueFile => drop(life.issue_file(None)),
            Step::Advance { seconds } => life.advance_to_instant(life.now().plus_seconds(*seconds)),
            Step::GoDown { seconds } => life.down_until_instant(life.now().plus_seconds(*seconds)),
        }
    }

    fn settle(&mut self, name: &str, rise: i64, units: &[Used], stray: bool) {
        let id = self.installation(name);
        let mut held = self.life.checked_out(id);
        let now = self.life.now();
        let mut returned = Vec::new();
        for (index, usage) in units.iter().filter(|_| !stray) {
            if held.is_empty() {
                break;
            }
            let unit = held.swap_remove(index.index(held.len()));
            returned.push(usage.map_or_else(|| unused(unit), |(job, host)| used(unit, job, host, now)));
        }
        if stray {
            let any = self.life.allocations().first().map(|row| unused(row.unit));
            returned.extend(any.iter().cloned().chain(any.clone()));
        }
        let counter = self.life.installation(id).counter.saturating_add_signed(rise);
        self.n_receipts += 1;
        let receipt = receipt(counter, self.n_receipts, returned);
        if matches!(self.life.settle(id, receipt.clone()), Ok(Settled::Done { .. })) {
            self.receipts.insert(id, receipt);
        }
    }
}

fn some<T>(rows: &[T], index: Index) -> Option<&T> {
    rows.get(index.index(rows.len().max(1)))
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_invariants_of_licenses_hold_after_every_step(
        (zone, start) in any_zone_and_instant(),
        steps in prop::collection::vec(any_late_step(), 1..60),
    ) {
        let mut world = World::new(zone.name(), start);
        for step in &steps {
            let before = world.clone();
            world.take(step);
            check_invariants(&world.life);
            check_history(&before.life, &world.life);
        }
    }

    #[test]
    fn late_work_gives_the_same_as_work_in_time_where_no_rule_puts_it_off(
        (zone, start) in any_zone_and_instant(),
        steps in prop::collection::vec(any_late_step(), 1..40),
        cash in 0..6_000_i64,
        seconds in prop_oneof![1..500_000_i64, 1..8_000_000_i64],
    ) {
        let mut world = World::new(zone.name(), start);
        world.life.credit(10_000);
        steps.iter().for_each(|step| world.take(step));
        leave(&mut world.life, cash);
        let (mut awake, mut late, from) = (world.life.clone(), world.life.clone(), world.life.now());
        let until = awake.now().plus_seconds(seconds);

        awake.advance_to_instant(until);
        late.down_until_instant(until);

        prop_assert_eq!(bookings(&awake), bookings(&late));
        if !is_put_off(&awake, from, until) {
            prop_assert_eq!(outcome(&awake), outcome(&late));
        }
    }
}

fn bookings(life: &Life) -> Vec<(Instant, i64)> {
    life.entries().iter().map(|entry| (entry.at, entry.postings.revenue.minor())).collect()
}

/// Whether something happened since an instant, and so long ago that a rule gives the customer more time after an outage.
fn is_put_off(life: &Life, from: Instant, until: Instant) -> bool {
    let zone = &life.books.zone;
    let is_late = |at: Instant| until.seconds_since(at) > 300;
    let is_dr = |event: &Event| matches!(event.subject, Subject::License(id) if life.license(id).kind == Kind::Dr);
    let moves = |event: &Event| match event.body.name() {
        "license.grace_started" => zone.add_days(until, 1) > zone.add_days(event.at, 7),
        "license.expired" => is_dr(event),
        "failback.lapsed" | "resource.suspended" | "resource.released" => true,
        _ => false,
    };
    life.events().iter().any(|event| event.at > from && is_late(event.at) && moves(event))
}

/// What an account has, without the ids that are made along the way.
fn outcome(life: &Life) -> impl PartialEq + std::fmt::Debug + use<> {
    let orders: Vec<_> = (life.orders().iter())
        .map(|order| {
            let Order { kind, state, amount, license_id, resource_id, ref lines, created_at, .. } = *order;
            (kind, state, amount, license_id, resource_id, lines.clone(), created_at)
        })
        .collect();
    let licenses = life.licenses().to_vec();
    let attempts: Vec<_> = (licenses.iter())
        .flat_map(|license| life.attempts_of(license.id))
        .map(|attempt| (attempt.holding, attempt.at, attempt.outcome, attempt.price, attempt.available))
        .collect();
    let hosts = life.assignments().to_vec();
    (licenses, orders, attempts, hosts, life.failbacks().to_vec(), life.log())
}

fn check_invariants(life: &Life) {
    check_wallet(life);
    check_charges(life);
    check_messages(life);
    assert!(life.entries().is_sorted_by(|one, next| one.at <= next.at), "money moves in the past");
    life.licenses().iter().for_each(|license| check_license(life, license));
    check_bonuses(life);
    check_units(life);
    check_orders(life);
    HOSTS.iter().for_each(|host| check_verdict(life, host));
}

/// L-4, L-7: the state fits the clock, and the grace is seven days or more.
fn check_license(life: &Life, license: &License) {
    let (now, zone) = (life.now(), &life.books.zone);
    let grace = if license.kind == Kind::Dr { 7 } else { 0 };
    assert!(license.ends_at >= zone.add_days(license.expires_at, grace), "{license:?}");
    match license.state {
        State::Valid => assert!(now < license.expires_at, "{license:?} at {now}"),
        State::Grace => assert!(license.expires_at <= now && now < license.ends_at, "{license:?} at {now}"),
        State::Suspended => assert!(now < license.ends_at, "{license:?} at {now}"),
        State::Expired => assert_eq!(license.ended_at, Some(license.ends_at), "{license:?}"),
        State::Revoked => assert!(license.ended_at.is_some_and(|at| at <= now), "{license:?}"),
    }
    assert!(!license.auto_renew || (license.kind == Kind::Dr && license.subscription.is_some()), "{license:?}");
    check_periods(life, license);
    check_attempts(life, license);
}

/// L-2: the paid periods tile the life of a license, never aligned, at its number of units.
fn check_periods(life: &Life, license: &License) {
    let is_charge = |order: &&Order| {
        order.license_id == Some(license.id) && matches!(order.kind, OrderKind::Purchase | OrderKind::Renewal)
    };
    let mut end = license.activated_at;
    for order in life.orders().iter().filter(is_charge) {
        let period = order.period.unwrap();
        assert_eq!(period.start, end, "{order:?}");
        assert!(order.created_at >= period.start, "{order:?}");
        assert!(order.lines.iter().all(|line| line.quantity == license.total), "{order:?}");
        end = period.end;
    }
    let Run { unit, anchor, count } = license.run;
    assert_eq!(license.expires_at, life.books.zone.add(anchor, unit, count), "{license:?}");
    assert!(anchor == license.activated_at, "{license:?}");
    assert!(license.subscription.is_none() || license.expires_at == end, "{license:?}");
}

/// R-2, L-7: attempts follow each other, and what expired with its switch on was really tried, and failed.
fn check_attempts(life: &Life, license: &License) {
    let attempts = life.attempts_of(license.id);
    assert!(attempts.is_sorted_by(|one, next| one.at <= next.at), "{attempts:#?}");
    assert!(attempts.iter().all(|attempt| (attempt.outcome == Outcome::Succeeded) == attempt.order_id.is_some()));
    let was_suspended = life
        .events()
        .iter()
        .any(|event| event.subject == Subject::License(license.id) && event.body.name() == "license.suspended");
    let failed =
        attempts.last().is_some_and(|last| last.outcome != Outcome::Succeeded && last.at >= license.expires_at);
    let ended_in_vain = license.state == State::Expired && license.auto_renew && !was_suspended;
    assert!(!ended_in_vain || failed, "{license:?} after {attempts:#?}");
}

/// L-3: every purchase of a DR license has one bonus, and a renewal has none.
fn check_bonuses(life: &Life) {
    let of_purchases = |kind| {
        let is_it = move |license: &&License| license.kind == kind && license.source == Source::Purchase;
        life.licenses().iter().filter(is_it)
    };
    let bonuses: BTreeMap<_, _> =
        life.licenses().iter().filter_map(|license| Some((license.parent_id?, license))).collect();
    assert_eq!(bonuses.len(), of_purchases(Kind::Dr).count());
    for license in of_purchases(Kind::Dr) {
        let bonus = bonuses[&license.id];
        let purchase = &life.orders_of(license.id, OrderKind::Purchase)[0];
        assert_eq!((bonus.source, bonus.kind, bonus.total), (Source::Bonus, Kind::Failback, license.total));
        assert_eq!((bonus.activated_at, bonus.order_id), (license.activated_at, Some(purchase.id)));
        assert_eq!(bonus.expires_at, purchase.period.unwrap().end);
    }
}

/// L-5, L-6: hosts are protected by licenses that have not ended, and a unit is consumed once, for one job.
fn check_units(life: &Life) {
    let live = life.licenses().iter().filter(|license| !license.state.is_final() && license.kind == Kind::Dr);
    let n_live: u32 = live.map(|license| license.total).sum();
    let seated = life.assignments().iter().filter(|row| row.released_at.is_none() && row.unit.is_some());
    assert!(seated.count() <= usize::try_from(n_live).unwrap(), "more hosts than live units");
    let mut consumed = BTreeSet::new();
    let is_commit = |row: &&Allocation| row.end.is_some_and(|end| end.ending == Ending::Committed);
    for row in life.allocations().iter().filter(is_commit) {
        assert!(consumed.insert(row.unit), "{row:?} is consumed twice");
    }
    // What a retired installation had may be consumed without a commit.
    let written_off =
        life.failbacks().iter().filter(|failback| failback.job_id.as_str().starts_with("retired-")).count();
    assert_eq!(
        consumed.len() + written_off,
        usize::try_from(life.licenses().iter().map(|license| license.units.consumed).sum::<u32>()).unwrap()
    );
    let mut committed = BTreeSet::new();
    for event in life.events() {
        let job = if let Body::FailbackCommitted { job_id, .. } = &event.body { Some(job_id) } else { None };
        assert!(job.is_none_or(|job| committed.insert(job)), "{event:?} twice");
    }
    let in_state = life.failbacks().iter().filter(|failback| failback.state == FailbackState::Committed);
    assert_eq!(in_state.count(), committed.len() + written_off);
}

/// B-3: an order waits for half an hour at most, and moves no money.
fn check_orders(life: &Life) {
    for order in life.orders().iter().filter(|order| order.state == OrderState::PendingPayment) {
        assert!(life.now().seconds_since(order.created_at) < 1_800, "{order:?}");
    }
    for order in life.orders().iter().filter(|order| order.state == OrderState::Closed) {
        assert!(life.entries().iter().all(|entry| entry.order_id != Some(order.id)), "{order:?}");
        assert_eq!(order.license_id, None);
    }
}

/// L-7: a takeover is always allowed, and a host with a valid license may do everything.
fn check_verdict(life: &Life, host: &str) {
    let evidence = life.evidence(host);
    let verdict = judge(&evidence, true, life.now());
    assert!(verdict.allowed.contains(&Operation::Takeover), "{verdict:?}");
    assert!(verdict.conclusive, "nothing is due: {verdict:?}");
    let seat = evidence.assignment.and_then(|assignment| assignment.unit).map(|unit| life.license(unit.license_id));
    let runs = seat.is_some_and(|license| matches!(license.state, State::Valid | State::Grace));
    assert_eq!(verdict.allowed.contains(&Operation::Sync), runs, "{verdict:?}");
    assert!(verdict.until.is_none_or(|until| until > life.now()), "{verdict:?}");
}

/// What has happened stays: ends, consumed units, committed failbacks; and units are taken from valid licenses only.
fn check_history(before: &Life, after: &Life) {
    for license in before.licenses() {
        let later = after.license(license.id);
        assert!(later.units.consumed >= license.units.consumed, "{later:?}");
        assert!(later.units.touched >= license.units.touched, "{later:?}");
        assert_eq!((later.id, later.total, later.activated_at), (license.id, license.total, license.activated_at));
        assert!(later.ends_at >= license.ends_at, "a grace became shorter: {license:?}, {later:?}");
    }
    for failback in before.failbacks() {
        let later = after.failback(failback.id);
        assert_eq!((&later.job_id, &later.host), (&failback.job_id, &failback.host));
        assert!(!matches!(failback.state, FailbackState::Committed | FailbackState::Cancelled) || later == failback);
    }
    let known = before.allocations();
    for (old, new) in known.iter().zip(after.allocations()) {
        assert_eq!((old.id, old.unit, &old.user, old.started_at), (new.id, new.unit, &new.user, new.started_at));
        assert!(old.end.is_none() || old.end == new.end, "{old:?} becomes {new:?}");
    }
    for row in &after.allocations()[known.len()..] {
        let license = after.license(row.unit.license_id);
        let earlier = after.allocations().iter().take_while(|other| other.id != row.id);
        let handed_over = earlier
            .filter(|other| other.unit == row.unit)
            .last()
            .is_some_and(|other| other.end.is_some_and(|end| end.ending == Ending::Moved && end.at == row.started_at));
        let is_within = license.activated_at <= row.started_at && row.started_at < license.expires_at;
        assert!(handed_over || is_within, "{row:?} of {license:?}");
    }
}
