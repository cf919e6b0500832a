//! Many callers want few units at once, repeat what they asked, and the server is killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use serde_json::{Value, json};

use crate::harness::{Client, OPERATOR_KEY, TestSite};

/// Runs one thread for each number, all at once, and gives what they found.
fn together<T: Send + 'static>(
    n: usize,
    site: &TestSite,
    act: impl Fn(usize, Client) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let (act, barrier) = (Arc::new(act), Arc::new(Barrier::new(n)));
    let threads: Vec<_> = (0..n)
        .map(|number| {
            let client = Client::new(site.operator.base(), OPERATOR_KEY);
            let (act, barrier) = (Arc::clone(&act), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                act(number, client)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("a caller's thread")).collect()
}

/// A failback as one caller saw it: what each call answered, until the server was gone.
#[derive(Debug, Clone, Default)]
struct Seen {
    job: String,
    /// `None`: no unit was free.
    started: Option<Option<Value>>,
    committed: Option<Value>,
}

/// Starts and commits the failback of a job, each call several times. Stops when the server is gone.
fn fail_back(client: &Client, account: &str, job: &str, told: &AtomicU32) -> Seen {
    let mut seen = Seen { job: job.to_owned(), ..Seen::default() };
    let body = json!({"account_id": account, "host": format!("host-of-{job}"), "job_id": job});
    for _ in 0..3 {
        let Ok(answer) = client.try_call("POST", "/v1/failbacks", Some(&body), None) else { return seen };
        let found = match answer.status {
            200 | 201 => Some(unit_of(&answer.body)),
            409 => None,
            status => panic!("{status}: {}", answer.body),
        };
        told.fetch_add(1, Ordering::Relaxed);
        match &seen.started {
            // Refused once, it may get a unit later; once it has one, every repeat has the same.
            Some(Some(first)) => assert_eq!(found.as_ref(), Some(first), "{job}"),
            Some(None) | None => seen.started = Some(found),
        }
    }
    let Some(Some(unit)) = &seen.started else { return seen };
    let path = format!("/v1/failbacks/{}/commit", unit["id"].as_str().expect("an id"));
    for n in 0..3 {
        let key = format!("commit-{job}-{n}");
        let Ok(answer) = client.try_call("POST", &path, Some(&json!({})), Some(&key)) else { return seen };
        let committed = unit_of(&answer.expect(200));
        told.fetch_add(1, Ordering::Relaxed);
        let first = seen.committed.get_or_insert(committed.clone());
        assert_eq!(&committed, first, "{job}");
    }
    seen
}

fn unit_of(failback: &Value) -> Value {
    json!({"id": failback["id"], "license_id": failback["license_id"], "unit": failback["unit"]})
}

#[test]
fn sixty_four_callers_on_three_failback_units_consume_three_through_a_kill() {
    let mut site = TestSite::at("2025-06-30 16:55:10");
    let account = site.customer(0);
    let license = site.grants(&account, "failback", 3);

    let told = Arc::new(AtomicU32::new(0));
    let (account_of_callers, counter) = (account.clone(), Arc::clone(&told));
    let killer = std::thread::spawn({
        let (told, pid) = (Arc::clone(&told), site.pid());
        move || {
            while told.load(Ordering::Relaxed) < 40 {
                std::thread::yield_now();
            }
            std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs")
        }
    });
    // Two callers share each job.
    let before = together(64, &site, move |number, client| {
        fail_back(&client, &account_of_callers, &format!("job-{}", number / 2), &counter)
    });
    assert!(killer.join().expect("the killer's thread").success());
    site.kill();
    site.verify();
    site.restart("2025-06-30 16:55:10");

    let (account_of_callers, counter) = (account.clone(), Arc::new(AtomicU32::new(0)));
    let after = together(64, &site, move |number, client| {
        fail_back(&client, &account_of_callers, &format!("job-{}", number / 2), &counter)
    });

    let mut units: BTreeMap<String, Value> = BTreeMap::new();
    for seen in before.iter().chain(&after) {
        let started = seen.started.clone().flatten().into_iter();
        for unit in started.chain(seen.committed.clone()) {
            let first = units.entry(seen.job.clone()).or_insert_with(|| unit.clone());
            assert_eq!(&unit, first, "{} was told another unit before", seen.job);
        }
    }
    assert_eq!(units.len(), 3, "{units:?}");
    let numbers: BTreeSet<_> = units.values().map(|unit| unit["unit"].as_u64()).collect();
    assert_eq!(numbers, BTreeSet::from([Some(1), Some(2), Some(3)]));
    let license = site.operator.get(&format!("/v1/licenses/{license}")).expect(200);
    assert_eq!((&license["consumed"], &license["status"]), (&json!(3), &json!("exhausted")));
    let committed = site.events(&account).into_iter().filter(|event| event.kind == "failback.committed").count();
    assert_eq!(committed, 3);
    site.stop();
    site.verify();
}

#[test]
fn fifty_hosts_at_once_on_five_units_are_five_through_a_kill() {
    let mut site = TestSite::at("2025-06-30 15:30:27");
    let account = site.customer(0);
    let license = site.grants(&account, "dr", 5);

    let told = Arc::new(AtomicU32::new(0));
    let killer = std::thread::spawn({
        let (told, pid) = (Arc::clone(&told), site.pid());
        move || {
            while told.load(Ordering::Relaxed) < 10 {
                std::thread::yield_now();
            }
            std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs")
        }
    });
    let (account_of_callers, counter) = (account.clone(), Arc::clone(&told));
    let before = together(50, &site, move |number, client| assign(&client, &account_of_callers, number, &counter));
    assert!(killer.join().expect("the killer's thread").success());
    site.kill();
    site.restart("2025-06-30 15:30:27");
    let (account_of_callers, counter) = (account.clone(), Arc::new(AtomicU32::new(0)));
    let after = together(50, &site, move |number, client| assign(&client, &account_of_callers, number, &counter));

    for (before, after) in before.iter().zip(&after).filter(|(before, _)| before.is_some()) {
        assert_eq!(before, after, "an acknowledged assignment is the same after the kill");
    }
    let assigned: BTreeSet<_> = after.iter().flatten().map(Value::to_string).collect();
    assert_eq!(assigned.len(), 5, "{assigned:?}");
    let license = site.operator.get(&format!("/v1/licenses/{license}")).expect(200);
    assert_eq!(license["in_use"], 5);
    site.stop();
    site.verify();
}

/// Assigns a host twice. Gives what it got, if the server was there to say so.
fn assign(client: &Client, account: &str, number: usize, told: &AtomicU32) -> Option<Value> {
    let body = json!({"account_id": account, "host": format!("host-{number}")});
    let mut seen = None;
    for _ in 0..2 {
        let Ok(answer) = client.try_call("POST", "/v1/assignments", Some(&body), None) else { return seen };
        told.fetch_add(1, Ordering::Relaxed);
        let got = match answer.status {
            200 | 201 => Some(unit_of(&answer.body)),
            409 => None,
            status => panic!("{status}: {}", answer.body),
        };
        assert!(seen.is_none() || seen == got, "host-{number} had {seen:?} and now {got:?}");
        seen = got;
    }
    seen
}

#[test]
fn a_reader_never_sees_a_move_half_done() {
    let mut site = TestSite::at("2025-06-30 15:30:27");
    let account = site.customer(0);
    site.grants(&account, "dr", 8);
    let ids: Vec<String> = (0..8)
        .map(|number| {
            let body = json!({"account_id": account, "host": format!("host-{number}-0")});
            site.operator.post("/v1/assignments", &body).id(201)
        })
        .collect();

    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (client, stop) = (Client::new(site.operator.base(), OPERATOR_KEY), Arc::clone(&stop));
        move || {
            let mut n_looks = 0;
            while !stop.load(Ordering::Relaxed) || n_looks < 3 {
                let rows: Vec<Value> = client.list(&format!("/v1/assignments?account_id={account}"));
                let hosts: BTreeSet<_> = rows.iter().map(|row| row["host"].to_string()).collect();
                let units: BTreeSet<_> = rows.iter().map(|row| row["unit"].as_u64()).collect();
                assert_eq!((rows.len(), hosts.len(), units.len()), (8, 8, 8), "{rows:?}");
                n_looks += 1;
            }
        }
    });
    together(8, &site, move |number, client| {
        for step in 1..25 {
            let path = format!("/v1/assignments/{}/move", ids[number]);
            client.post(&path, &json!({"host": format!("host-{number}-{step}")})).expect(200);
        }
    });
    stop.store(true, Ordering::Relaxed);
    reader.join().expect("the reader's thread");
    site.stop();
    site.verify();
}
