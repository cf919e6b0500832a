//! Told to stop while requests run.

use std::io::Write;
use std::net::TcpStream;

use tempfile::TempDir;

use crate::harness::{Customer, Deed, Load, OPERATOR_KEY, Site, TestSite};

#[test]
fn a_server_that_is_told_to_stop_finishes_what_it_acknowledged_and_ends_well() {
    let mut site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 10);
    let customers = [1, 2, 3].map(|seed| Customer::new(site.customer(1_000_000), seed, &["uhost/monthly"])).to_vec();

    let load = Load::start(&site, customers, usize::MAX);
    load.wait_for(60);
    let stopped = site.stop();
    let (customers, _) = load.end();
    site.restart("2025-05-01 00:00:00");

    assert!(!stopped.stderr.contains("ERROR"), "{}", stopped.stderr);
    let done: Vec<_> =
        customers.iter().flat_map(|customer| &customer.deeds).filter(|deed| deed.done().is_some()).collect();
    assert!(done.len() >= 60, "{}", done.len());
    done.into_iter().for_each(|deed| check(&site, deed));
    site.verify();
}

/// It was kept: a repeat gives the same answer.
fn check(site: &TestSite, deed: &Deed) {
    let again = site.operator.post_as(&deed.key, &deed.path, &deed.body);
    assert!(again.is_replay, "{deed:?}");
    assert_eq!(Some(&again.body), deed.done());
}

#[test]
fn a_server_that_is_told_to_stop_as_soon_as_it_listens_ends_well() {
    let mut folder = TempDir::new().unwrap();

    // Each start is a chance to be told too early.
    (0..10).for_each(|_| {
        let started = std::mem::replace(&mut folder, TempDir::new().unwrap());
        folder = TestSite::start_on(started, Site::at("UTC", "2025-05-01 00:00:00")).into_folder();
    });
}

#[test]
fn callers_who_never_finish_a_request_do_not_keep_the_server_from_stopping() {
    let mut site = TestSite::at("2025-05-01 00:00:00");
    let address = site.operator.base().trim_start_matches("http://").to_owned();
    let begin = |request: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let head = format!("POST /v1/accounts HTTP/1.1\r\nhost: site\r\nauthorization: Bearer {OPERATOR_KEY}\r\n");
    let _open = [begin(""), begin(&head), begin(&format!("{head}content-length: 1000\r\n\r\n{{\"name\":"))];
    site.customer(1);

    site.stop();

    site.verify();
}
