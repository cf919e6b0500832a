//! L-5: a failback uses one unit, once, whatever is repeated and by how many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::failback::{Failback, State};
use domain::id::AccountId;
use domain::license::{Kind, Status};
use engine::Caller;
use store::{FailbackFilter, Outcome};
use tokio::task::JoinSet;

use crate::holder::host;
use crate::site::{Site, code_of, first};

async fn failbacks(site: &Site, account: AccountId) -> Vec<Failback> {
    let filter = FailbackFilter { account_id: Some(account), ..FailbackFilter::default() };
    site.engine.failbacks(Caller::Account(account), filter, first()).await.unwrap()
}

/// What a careful product does: it starts, repeats that, commits, and repeats that; half of them under keys of the job.
async fn fail_back(site: Arc<Site>, account: AccountId, number: usize) -> Result<(Failback, Failback), &'static str> {
    let job = format!("job-{}", number % 8);
    let under = (number.is_multiple_of(2)).then_some(job.as_str());
    let start_key = under.map(|job| format!("start {job}"));
    let start = || site.start(account, (&job, "host-1"), start_key.as_deref());
    let started = start().await.map_err(|error| code_of::<()>(Err(error)))?.into_inner().failback;
    let again = start().await.unwrap().into_inner().failback;
    assert_eq!((again.id, again.unit, again.reserved_at), (started.id, started.unit, started.reserved_at));
    let commit_key = under.map(|job| format!("commit {job}"));
    let commit = || site.commit(account, started.id, commit_key.as_deref());
    let committed = commit().await.unwrap().into_inner();
    assert_eq!(commit().await.unwrap().into_inner(), committed);
    Ok((started, committed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_consume_three_units() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Failback, 3, 3).await;

    let mut callers = JoinSet::new();
    (0..64).for_each(|number| {
        callers.spawn(fail_back(Arc::clone(&site), account, number));
    });
    let results = callers.join_all().await;

    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|refused| *refused == Err("no_units_available")), "{refused:?}");
    let done: Vec<_> = done.into_iter().map(Result::unwrap).collect();
    // Everybody who asked about a job was told the same.
    let told: BTreeSet<_> =
        done.iter().map(|(_, committed)| (committed.job_id.clone(), committed.id, committed.unit)).collect();
    assert_eq!((done.len(), told.len()), (24, 3));
    assert!(done.iter().all(|(_, committed)| committed.state == State::Committed));
    let by_job: BTreeMap<_, _> =
        done.iter().map(|(_, committed)| (committed.job_id.clone(), committed.clone())).collect();
    assert_eq!(failbacks(&site, account).await.len(), 3);
    assert!(failbacks(&site, account).await.iter().all(|stored| by_job.get(&stored.job_id) == Some(stored)));
    let units = site.license(license).await.units;
    assert_eq!((units.consumed, units.reserved, units.touched), (3, 0, 3));
    assert_eq!(site.engine.license(Caller::Operator, license).await.unwrap().status, Status::Exhausted);
    assert_eq!(site.events("failback.committed").await.len(), 3);
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failback_is_committed_or_cancelled_and_not_both() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Failback, 1, 3).await;
    let id = site.starts(account, "job-1").await.id;

    let mut callers = JoinSet::new();
    (0..20).for_each(|number| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            match number % 2 {
                0 => site.commit(account, id, None).await.map(Outcome::into_inner),
                _ => site.engine.cancel_failback(Caller::Operator, id, None).await.map(Outcome::into_inner),
            }
        });
    });
    let results = callers.join_all().await;

    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let states: BTreeSet<_> = done.into_iter().map(|done| done.unwrap().state.name()).collect();
    let codes: BTreeSet<_> = refused.into_iter().map(code_of).collect();
    let consumed = site.license(license).await.units.consumed;
    let expected = match consumed {
        1 => ("committed", "already_consumed"),
        _ => ("cancelled", "failback_cancelled"),
    };
    assert_eq!((states, codes), (BTreeSet::from([expected.0]), BTreeSet::from([expected.1])));
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn units_that_come_back_are_used_again_and_never_twice_at_once() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Failback, 4, 3).await;

    let mut callers = JoinSet::new();
    (0..24).for_each(|number| {
        let site = Arc::clone(&site);
        callers.spawn(async move {
            let started = site.start(account, (&format!("job-{number}"), "host-1"), None).await;
            let cancelled = started.map(|started| started.into_inner().failback.id);
            if let Ok(id) = cancelled {
                site.engine.cancel_failback(Caller::Account(account), id, None).await.unwrap();
            }
        });
    });
    callers.join_all().await;

    let units = site.license(license).await.units;
    assert_eq!((units.reserved, units.consumed), (0, 0));
    assert!(units.touched <= 4, "{units:?}");
    site.check_books().await;
}

#[tokio::test]
async fn what_happens_once_for_ever_is_answered_for_ever() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 2, 3).await;
    let (started_first, committed_first) = once(&site, account).await;
    site.advance_to("2026-06-01 00:00:00").await;
    let far = site.at("2099-01-01 00:00:00");
    while site.engine.store().forget_idempotency(far).await.unwrap() > 0 {}

    let site = site.restart().await;
    let (started, committed) = once(&site, account).await;

    assert!(matches!((&started_first, &committed_first), (Outcome::Done(_), Outcome::Done(_))));
    assert_eq!(started, Outcome::AlreadyDone(started_first.into_inner()));
    assert_eq!(committed, Outcome::AlreadyDone(committed_first.into_inner()));
    assert_eq!(failbacks(&site, account).await.len(), 1);
    site.check_books().await;
}

/// Starts and commits one failback, each under a key.
async fn once(site: &Site, account: AccountId) -> (Outcome<domain::failback::Started>, Outcome<Failback>) {
    let started = site.start(account, ("job-1", "host-1"), Some("start")).await.unwrap();
    let id = match &started {
        Outcome::Done(started) | Outcome::AlreadyDone(started) => started.failback.id,
    };
    let committed = site.commit(account, id, Some("commit")).await.unwrap();
    (started, committed)
}

#[tokio::test]
async fn a_job_without_a_key_is_answered_for_ever_too() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 2, 3).await;
    let id = site.starts(account, "job-1").await.id;
    let committed = site.commit(account, id, None).await.unwrap().into_inner();
    site.advance_to("2026-06-01 00:00:00").await;

    let started = site.start(account, ("job-1", "host-1"), None).await.unwrap().into_inner();
    let again = site.commit(account, id, None).await.unwrap().into_inner();

    assert_eq!((started.is_new, started.failback), (false, committed.clone()));
    assert_eq!(again, committed);
    site.check_books().await;
}

#[tokio::test]
async fn a_commit_after_the_license_expired_consumes_what_was_reserved() {
    let site = Site::licensing().await;
    let account = site.account(1_000).await;
    site.buys_license(account, "dr/thirty", 1).await;
    site.advance_to("2025-06-06 10:00:00").await;
    let id = site.starts(account, "job-1").await.id;
    site.advance_to("2025-06-08 10:00:00").await;

    let committed = site.commit(account, id, None).await.unwrap().into_inner();

    assert_eq!(committed.state, State::Committed);
    assert_eq!(site.license(committed.unit.license_id).await.state, domain::license::State::Expired);
    site.check_books().await;
}

#[tokio::test]
async fn a_commit_after_it_lapsed_takes_another_unit_or_is_refused_and_told() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 1, 1).await;
    let silent = site.starts(account, "job-1").await;
    site.advance_to("2025-05-11 10:00:00").await;
    let taken = site.starts(account, "job-2").await;

    let refused = site.commit(account, silent.id, None).await;
    let bought = site.grants(account, Kind::Failback, 1, 3).await;
    let committed = site.commit(account, silent.id, None).await.unwrap().into_inner();

    assert_eq!(taken.unit, silent.unit);
    assert_eq!(code_of(refused), "no_units_available");
    assert_eq!(site.events("failback.refused").await.len(), 1);
    assert_eq!((committed.state, committed.unit.license_id), (State::Committed, bought));
    site.check_books().await;
}

#[tokio::test]
async fn a_commit_that_was_refused_may_be_sent_again_under_its_key() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 1, 1).await;
    let silent = site.starts(account, "job-1").await.id;
    site.advance_to("2025-05-11 10:00:00").await;
    site.starts(account, "job-2").await;
    let commit = || site.commit(account, silent, Some("c"));

    let refused = [code_of(commit().await), code_of(commit().await)];
    let license = site.grants(account, Kind::Failback, 2, 3).await;
    let committed = commit().await.unwrap().into_inner();
    let again = commit().await.unwrap().into_inner();

    assert_eq!(refused, ["no_units_available"; 2]);
    assert_eq!((committed.state, again), (State::Committed, committed.clone()));
    assert_eq!(site.license(license).await.units.consumed, 1);
    site.check_books().await;
}

#[tokio::test]
async fn a_sign_of_life_keeps_the_unit_and_after_a_lapse_comes_too_late() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 1, 1).await;
    let id = site.starts(account, "job-1").await.id;
    let beat = || site.engine.beat_failback(Caller::Account(account), id, None);
    site.advance_to("2025-05-11 09:59:59").await;
    let kept = beat().await.unwrap().into_inner();
    site.advance_to("2025-05-14 09:59:59").await;

    let late = beat().await;

    assert_eq!((kept.state, site.show(kept.deadline).as_str()), (State::Reserved, "2025-05-14 09:59:59"));
    assert_eq!(code_of(late), "failback_lapsed");
    site.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapse_and_a_commit_at_once_leave_one_unit_consumed() {
    let site = Arc::new(Site::licensing().await);
    let account = site.account(0).await;
    let license = site.grants(account, Kind::Failback, 1, 1).await;
    let id = site.starts(account, "job-1").await.id;
    site.advance_to("2025-05-11 09:59:59").await;
    site.down_until("2025-05-11 10:00:00");

    let (worked, committed) = tokio::join!(site.engine.do_due_batch(), site.commit(account, id, None));

    worked.unwrap();
    assert_eq!(committed.unwrap().into_inner().state, State::Committed);
    let units = site.license(license).await.units;
    assert_eq!((units.consumed, units.reserved), (1, 0));
    site.check_books().await;
}

#[tokio::test]
async fn the_failback_of_somebody_else_is_not_found() {
    let site = Site::licensing().await;
    let (ann, ben) = (site.account(0).await, site.account(0).await);
    site.grants(ben, Kind::Failback, 1, 3).await;
    let theirs = site.starts(ben, "job-1").await.id;
    let (engine, own) = (&site.engine, Caller::Account(ann));

    assert_eq!(code_of(engine.failback(own, theirs).await), "not_found");
    assert_eq!(code_of(engine.commit_failback(own, theirs, None).await), "not_found");
    assert_eq!(code_of(engine.cancel_failback(own, theirs, None).await), "not_found");
    assert_eq!(code_of(engine.beat_failback(own, theirs, None).await), "not_found");
    let job = || ("job-1".parse().unwrap(), host("host-1"));
    assert_eq!(code_of(engine.start_failback(own, ben, job(), None).await), "not_found");
    assert_eq!(code_of(engine.start_failback(own, ann, job(), None).await), "no_units_available");
    assert_eq!(engine.failbacks(own, FailbackFilter::default(), first()).await.unwrap(), []);
}

#[tokio::test]
async fn a_late_commit_takes_a_unit_that_another_failback_gives_up_in_the_same_decision() {
    let site = Site::licensing().await;
    let account = site.account(0).await;
    site.grants(account, Kind::Failback, 1, 3).await;
    let silent = site.starts(account, "job-1").await;
    site.advance_to("2025-05-11 10:00:00").await;
    let other = site.starts(account, "job-2").await;
    // The other one has just lapsed, and the worker has not seen it yet.
    site.down_until("2025-05-14 10:01:00");

    let committed = site.commit(account, silent.id, None).await.unwrap().into_inner();

    assert_eq!((committed.state, committed.unit), (State::Committed, other.unit));
    let other = failbacks(&site, account).await.into_iter().find(|failback| failback.id == other.id);
    assert_eq!(other.unwrap().state, State::Lapsed);
    site.check_books().await;
}
