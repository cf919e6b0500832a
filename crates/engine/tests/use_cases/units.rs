//! L-6: hosts and units, with many callers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::assignment::Assignment;
use domain::id::{AccountId, AssignmentId, LicenseId};
use domain::license::{Kind, State};
use domain::unit::UnitId;
use engine::{Caller, Error};
use store::Outcome;
use tokio::task::JoinSet;

use crate::holder::{host, wish};
use crate::site::{Site, code_of, first, key};

/// The hosts that have a unit, with it.
fn seats(hosts: &[Assignment]) -> Vec<(&str, UnitId)> {
    hosts.iter().filter_map(|assignment| Some((assignment.host.as_str(), assignment.unit?))).collect()
}

/// L-6: no host twice, no unit twice.
fn check_seats(hosts: &[Assignment]) {
    let names: BTreeSet<_> = hosts.iter().map(|assignment| &assignment.host).collect();
    assert_eq!(names.len(), hosts.len(), "a host is listed twice: {hosts:#?}");
    let seats = seats(hosts);
    let units: BTreeSet<_> = seats.iter().map(|(_, unit)| unit).collect();
    assert_eq!(units.len(), seats.len(), "a unit has two hosts: {hosts:#?}");
}

/// Assigns so many hosts whose names begin so, each by a caller of its own.
async fn assign_at_once(site: &Arc<Site>, account: AccountId, name: &str, n: u32) -> Vec<Result<Assignment, Error>> {
    let mut callers = JoinSet::new();
    (0..n).for_each(|number| {
        let (site, name) = (Arc::clone(site), format!("{name}-{number}"));
        callers.spawn(async move { site.assign(account, &name).await });
    });
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_hosts_at_once_get_five_units() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Dr, 5, 3).await;

    let results = assign_at_once(&site, account, "host", 50).await;

    let (assigned, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let assigned: Vec<_> = assigned.into_iter().map(Result::unwrap).collect();
    assert_eq!(assigned.len(), 5);
    assert_eq!(refused.into_iter().map(code_of).collect::<Vec<_>>(), ["no_units_available"; 45]);
    check_seats(&assigned);
    assert_eq!(site.hosts(account).await.len(), 5);
    assert_eq!(site.license(license).await.units.assigned, 5);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_host_asked_for_by_many_gets_one_unit() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Dr, 5, 3).await;

    let mut callers = JoinSet::new();
    (0..20).for_each(|_| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            site.engine.assign(Caller::Operator, account, wish("host-1"), None).await.unwrap().into_inner()
        });
    });
    let found = callers.join_all().await;

    let ids: BTreeSet<_> = found.iter().map(|assigned| assigned.assignment.id).collect();
    assert_eq!((ids.len(), found.iter().filter(|assigned| assigned.is_new).count()), (1, 1));
    assert_eq!(site.license(license).await.units.assigned, 1);
    site.check_books().await;
}

/// Lets the unit of an assignment go to and fro between two hosts.
async fn move_to_and_fro(site: Arc<Site>, account: AccountId, id: AssignmentId, number: usize) {
    for turn in 0..24 {
        let name = host(&format!("{}-{number}", ["red", "blue"][turn % 2]));
        site.engine.move_assignment(Caller::Account(account), id, (name, None), None).await.unwrap();
    }
}

/// Assigns a host and releases it, again and again.
async fn come_and_go(site: Arc<Site>, account: AccountId, number: usize) {
    for _ in 0..24 {
        let assigned = site.assign(account, &format!("guest-{number}")).await.unwrap();
        site.release(account, assigned.id).await;
    }
}

/// Lists the hosts until all writers are done. Every list is one moment: `n_movers` hosts that always have their units.
async fn watch(site: Arc<Site>, account: AccountId, n_movers: usize, is_over: Arc<AtomicBool>) -> usize {
    let mut n_lists = 0;
    loop {
        let is_last = is_over.load(Ordering::SeqCst);
        let hosts = site.hosts(account).await;
        check_seats(&hosts);
        let movers = hosts.iter().filter(|assignment| !assignment.host.as_str().starts_with("guest"));
        let units: BTreeSet<_> = movers.filter_map(|assignment| assignment.unit).collect();
        assert_eq!(units.len(), n_movers, "a move was seen half done: {hosts:#?}");
        let summary = site.engine.license_summary(Caller::Account(account), account).await.unwrap();
        assert_eq!(summary.dr_in_use + summary.dr_available, summary.dr_total);
        n_lists += 1;
        if is_last {
            return n_lists;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_a_move_half_done() {
    const N_MOVERS: usize = 6;
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Dr, 12, 3).await;
    let results = assign_at_once(&site, account, "blue", 6).await;
    let movers: Vec<_> = results.into_iter().map(|assigned| assigned.unwrap().id).collect();
    let is_over = Arc::new(AtomicBool::new(false));

    let mut readers = JoinSet::new();
    (0..3).for_each(|_| {
        readers.spawn(watch(Arc::clone(&site), account, N_MOVERS, Arc::clone(&is_over)));
    });
    let mut writers = JoinSet::new();
    movers.iter().enumerate().for_each(|(number, id)| {
        writers.spawn(move_to_and_fro(Arc::clone(&site), account, *id, number));
        writers.spawn(come_and_go(Arc::clone(&site), account, number));
    });
    writers.join_all().await;
    is_over.store(true, Ordering::SeqCst);
    let n_lists = readers.join_all().await;

    assert!(n_lists.iter().all(|n| *n > 0), "{n_lists:?}");
    let hosts = site.hosts(account).await;
    assert!(hosts.iter().all(|assignment| assignment.host.as_str().starts_with("blue")), "{hosts:#?}");
    assert_eq!(hosts.len(), N_MOVERS);
    let log = site.engine.allocations(Caller::Operator, license, first()).await.unwrap();
    assert_eq!(log.len(), N_MOVERS + N_MOVERS * 24 + N_MOVERS * 24);
    assert_eq!(log.iter().filter(|row| row.end.is_none()).count(), N_MOVERS);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_that_want_one_name_at_once_do_not_share_it() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    site.grants(account, Kind::Dr, 10, 3).await;
    let results = assign_at_once(&site, account, "host", 10).await;
    let ids: Vec<_> = results.into_iter().map(|assigned| assigned.unwrap().id).collect();

    let mut callers = JoinSet::new();
    ids.into_iter().for_each(|id| {
        let site = Arc::clone(&site);
        let wanted = (host("the-one"), None);
        callers.spawn(async move { site.engine.move_assignment(Caller::Account(account), id, wanted, None).await });
    });
    let results = callers.join_all().await;

    let refused: Vec<_> = results.into_iter().filter(Result::is_err).map(code_of).collect();
    assert_eq!(refused, ["host_has_unit"; 9]);
    check_seats(&site.hosts(account).await);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_license_is_revoked_while_hosts_come() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let (ends, stays) = (site.grants(account, Kind::Dr, 8, 1).await, site.grants(account, Kind::Dr, 6, 3).await);
    assign_at_once(&site, account, "old", 5).await;

    let revoke = {
        let site = Arc::clone(&site);
        tokio::spawn(async move { site.revoke(ends).await })
    };
    let results = assign_at_once(&site, account, "new", 20).await;
    revoke.await.unwrap();

    let hosts = site.hosts(account).await;
    check_seats(&hosts);
    let n_assigned = results.iter().filter(|result| result.is_ok()).count();
    assert!(results.into_iter().filter(Result::is_err).map(code_of).all(|code| code == "no_units_available"));
    // Who got a unit is there still, with another unit or stranded.
    assert_eq!(hosts.len(), 5 + n_assigned);
    assert!(seats(&hosts).iter().all(|(_, unit)| unit.license_id == stays), "{hosts:#?}");
    assert_eq!(seats(&hosts).len(), 6);
    let revoked = site.license(ends).await;
    assert_eq!((revoked.state, revoked.units.assigned), (State::Revoked, 0));
    site.check_books().await;
}

#[tokio::test]
async fn a_host_of_a_revoked_license_goes_to_another_though_its_own_has_free_units() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let (ends, other) = (site.grants(account, Kind::Dr, 5, 1).await, site.grants(account, Kind::Dr, 1, 3).await);
    site.assign(account, "host-1").await.unwrap();

    site.revoke(ends).await;

    let hosts = site.hosts(account).await;
    assert_eq!(seats(&hosts), [("host-1", UnitId { license_id: other, number: 1 })]);
    site.check_books().await;
}

#[tokio::test]
async fn a_request_and_the_hosts_of_a_license_that_ended_unseen_both_get_units() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Dr, 1, 1).await;
    let others = [site.grants(account, Kind::Dr, 1, 3).await, site.grants(account, Kind::Dr, 1, 4).await];
    site.assign(account, "host-1").await.unwrap();
    site.advance_to("2025-06-15 09:59:59").await;

    // The worker has not yet seen that the grace is over.
    site.down_until("2025-06-15 10:00:00");
    site.assign(account, "host-2").await.unwrap();

    let units = others.map(|license_id| UnitId { license_id, number: 1 });
    assert_eq!(seats(&site.hosts(account).await), [("host-1", units[0]), ("host-2", units[1])]);
    site.check_books().await;
}

#[tokio::test]
async fn a_stranded_host_is_assigned_again_under_its_own_id() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let ends = site.grants(account, Kind::Dr, 1, 1).await;
    let before = site.assign(account, "host-1").await.unwrap();
    site.revoke(ends).await;
    let refused = site.assign(account, "host-1").await;
    site.grants(account, Kind::Dr, 1, 3).await;

    let again = site.assign(account, "host-1").await.unwrap();

    assert_eq!(code_of(refused), "no_units_available");
    assert_eq!((again.id, again.assigned_at), (before.id, before.assigned_at));
    assert_eq!(site.hosts(account).await, [again]);
    site.check_books().await;
}

#[tokio::test]
async fn a_unit_that_is_released_is_used_again() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Dr, 1, 3).await;
    let one = site.assign(account, "host-1").await.unwrap();
    site.release(account, one.id).await;
    site.release(account, one.id).await;

    let other = site.assign(account, "host-2").await.unwrap();

    assert_eq!(other.unit, one.unit);
    let moved = site.engine.move_assignment(Caller::Operator, one.id, (host("host-3"), None), None).await;
    assert_eq!(code_of(moved), "assignment_released");
    assert_eq!(site.license(license).await.units.touched, 1);
    site.check_books().await;
}

/// Asks for so many hosts in one request, under a key.
async fn assign_many(site: &Site, account: AccountId, from: u32, n: u32) -> Result<Outcome<Vec<UnitId>>, Error> {
    let wishes = (from..from + n).map(|number| wish(&format!("host-{number}"))).collect();
    let idempotency = key(Some(account), &format!("bulk-{from}"), 1);
    let assigned = site.engine.assign_many(Caller::Account(account), account, wishes, idempotency).await?;
    let units = |results: Vec<Result<domain::assignment::Assigned, _>>| {
        results.into_iter().map(|assigned| assigned.unwrap().assignment.unit.unwrap()).collect()
    };
    Ok(assigned.map(units))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hosts_in_one_request_and_the_same_again() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Dr, 1_500, 3).await;

    let assigned = assign_many(&site, account, 0, 1_000).await.unwrap();
    let site = site.restart().await;
    let repeated = assign_many(&site, account, 0, 1_000).await.unwrap();

    let Outcome::Done(units) = assigned else { panic!("it was not asked for before") };
    assert_eq!(repeated, Outcome::AlreadyDone(units.clone()));
    assert_eq!(units, (1..=1_000).map(|number| UnitId { license_id: license, number }).collect::<Vec<_>>());
    assert_eq!(site.hosts(account).await.len(), 1_000);
    assert_eq!(site.license(license).await.units.assigned, 1_000);
    site.check_books().await;
}

#[tokio::test]
async fn each_host_of_a_request_is_for_itself() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Dr, 2, 3).await;
    site.assign(account, "host-1").await.unwrap();

    let unknown = domain::assignment::Wish { license_id: Some(LicenseId::from_u128(1)), ..wish("host-2") };
    let wishes = vec![unknown, wish("host-1"), wish("host-3"), wish("host-3"), wish("host-4")];
    let results = site.engine.assign_many(Caller::Account(account), account, wishes, None).await.unwrap();

    let told: Vec<_> = (results.into_inner().into_iter())
        .map(|result| result.map(|assigned| assigned.is_new).map_err(|refusal| refusal.to_string()))
        .collect();
    let [unknown, rest @ ..] = &told[..] else { panic!("{told:?}") };
    assert!(unknown.is_err());
    assert_eq!(rest, [Ok(false), Ok(true), Ok(false), Err("no unit is free".to_owned())]);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hosts_of_a_license_that_ends_go_to_others_first_come_first_served() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    let ends = site.grants(account, Kind::Dr, 10_000, 1).await;
    for thousand in 0..10 {
        assign_many(&site, account, thousand * 1_000, 1_000).await.unwrap();
    }
    let full = site.assign(account, "one-more").await;
    let stays = site.grants(account, Kind::Dr, 4_000, 3).await;

    site.advance_to("2025-06-15 10:00:00").await;

    assert_eq!(code_of(full), "no_units_available");
    let hosts = site.hosts(account).await;
    check_seats(&hosts);
    assert_eq!(hosts.len(), 10_000);
    // They came in the order of their ids.
    assert!(hosts[..4_000].iter().all(|host| host.unit.is_some_and(|unit| unit.license_id == stays)));
    assert!(hosts[4_000..].iter().all(|host| host.unit.is_none()));
    assert_eq!((site.license(ends).await.state, site.license(stays).await.units.assigned), (State::Expired, 4_000));
    let told = site.events("license.hosts_reseated").await;
    let data: Vec<_> = told.iter().map(|event| event.data.contains(r#""n_moved":4000,"n_stranded":6000"#)).collect();
    assert_eq!(data, [true]);
    site.check_books().await;
}

#[tokio::test]
async fn the_units_of_somebody_else_are_not_found() {
    let site = Site::licensing().await;
    let (ann, ben) = (site.account(0).await, site.account(0).await);
    let license = site.grants(ben, Kind::Dr, 2, 3).await;
    let theirs = site.assign(ben, "host-1").await.unwrap().id;
    let (engine, own) = (&site.engine, Caller::Account(ann));

    assert_eq!(code_of(engine.assignment(own, theirs).await), "not_found");
    assert_eq!(code_of(engine.release(own, theirs).await), "not_found");
    assert_eq!(code_of(engine.move_assignment(own, theirs, (host("mine"), None), None).await), "not_found");
    assert_eq!(code_of(engine.assign(own, ben, wish("mine"), None).await), "not_found");
    assert_eq!(code_of(engine.assign_many(own, ben, vec![wish("mine")], None).await), "not_found");
    let of_their_license = domain::assignment::Wish { license_id: Some(license), ..wish("mine") };
    assert_eq!(code_of(engine.assign(own, ann, of_their_license, None).await), "unknown_license");
    let filter = store::AssignmentFilter { license_id: Some(license), ..store::AssignmentFilter::default() };
    assert_eq!(engine.assignments(own, filter, first()).await.unwrap(), []);
    assert_eq!(code_of(engine.validate(own, ben, None, "n".to_owned()).await), "not_found");
    assert_eq!(site.hosts(ben).await.len(), 1);
}
