//! The disk is full.

use serde_json::json;

use crate::harness::{Answer, Client, Site, TestSite};

/// So small that the write-ahead log reaches it after some dozens of purchases.
const FILE_KIB_MAX: u32 = 1_500;
/// More than fit.
const TIMES_MAX: u32 = 2_000;

/// Does something until it is refused. Gives the answers: all but the last are acknowledged.
fn until_full(act: impl Fn(u32) -> Answer) -> Vec<Answer> {
    let mut answers = Vec::new();
    for n in 0..TIMES_MAX {
        let answer = act(n);
        let is_refused = answer.status >= 400;
        answers.push(answer);
        if is_refused {
            return answers;
        }
    }
    panic!("the disk was never full");
}

fn buy(client: &Client, account: &str, n: u32) -> Answer {
    let body = json!({"account_id": account, "product": "uhost", "plan": "monthly", "pay_with": "wallet"});
    client.post_as(&format!("buy-{n}"), "/v1/orders", &body)
}

/// The smallest change there is.
fn rename(site: &TestSite, account: &str, n: u32) -> Answer {
    site.operator.patch(&format!("/v1/accounts/{account}"), &json!({"name": format!("Mei {n}")}))
}

fn full_site() -> (TestSite, String, Vec<Answer>) {
    let site =
        TestSite::start(Site { file_kib_max: Some(FILE_KIB_MAX), ..Site::at("Asia/Shanghai", "2025-05-01 00:00:00") });
    site.sells("uhost/monthly", "1 month", 10);
    let account = site.customer(1_000_000);
    let answers = until_full(|n| buy(&site.operator, &account, n));
    (site, account, answers)
}

/// Every acknowledged purchase, by its id.
fn check_acknowledged(site: &TestSite, acknowledged: &[Answer]) {
    for answer in acknowledged {
        let id = answer.body["id"].as_str().expect("an id");
        assert_eq!(site.operator.get(&format!("/v1/orders/{id}")).expect(200), answer.body);
    }
}

#[test]
fn on_a_full_disk_writes_are_refused_and_reads_go_on() {
    let (site, account, answers) = full_site();
    let (refused, acknowledged) = answers.split_last().expect("answers");

    let (status, code) = refused.refusal();
    assert!(status == 503 && ["disk_full", "database_unavailable"].contains(&code), "{refused:?}");
    check_acknowledged(&site, acknowledged);
    let n = i64::try_from(acknowledged.len()).expect("some");
    assert_eq!(site.balance(&account).cash, 1_000_000 - 10 * n);
    // What is left has no room for the smallest change either, until nothing can be written any more.
    let renamed =
        until_full(|n| rename(&site, &account, n)).into_iter().rev().nth(1).map(|answer| answer.body["name"].clone());
    let still = [
        site.operator.post(&format!("/v1/accounts/{account}/credits"), &json!({"amount": 1, "kind": "cash"})),
        site.operator.put("/v1/products/eip", &json!({"name": "Address", "kind": "resource"})),
        site.operator.post("/v1/test-clock/advance", &json!({"to": site.read("2025-06-02 00:00:00")})),
        buy(&site.operator, &account, TIMES_MAX),
    ];
    assert_eq!(still.map(|answer| answer.status), [503; 4]);
    assert_eq!(site.operator.get("/v1/products/eip").status, 404);
    assert_eq!(site.balance(&account).cash, 1_000_000 - 10 * n);
    assert!(
        renamed.is_none_or(|name| name == site.operator.get(&format!("/v1/accounts/{account}")).expect(200)["name"])
    );
    check_acknowledged(&site, acknowledged);
}

#[test]
fn a_clock_that_cannot_be_stored_does_not_move() {
    let (mut site, account, _) = full_site();
    until_full(|n| rename(&site, &account, n));

    let refused = site.operator.post("/v1/test-clock/advance", &json!({"to": site.read("2025-06-02 00:00:00")}));
    let shown = site.now();
    site.stop();
    site.restart("2025-05-01 00:00:00");

    // What was done at an instant must not be followed by a time before it (T-5).
    assert_eq!(refused.status, 503);
    assert_eq!(site.show(shown), site.show(site.now()));
}

#[test]
fn after_a_full_disk_got_room_again_everything_goes_on_and_nothing_is_lost_or_done_twice() {
    let (mut site, account, answers) = full_site();
    let (_, acknowledged) = answers.split_last().expect("answers");
    let n = u32::try_from(acknowledged.len()).expect("some");

    site.stop();
    site.verify();
    site.site.file_kib_max = None;
    site.restart("2025-05-01 00:00:00");
    let replayed = buy(&site.operator, &account, n - 1);
    let repeated = [buy(&site.operator, &account, n), buy(&site.operator, &account, n)];
    site.advance_to("2025-06-02 00:00:00");

    check_acknowledged(&site, acknowledged);
    assert_eq!((replayed.is_replay, &replayed.body), (true, &acknowledged[acknowledged.len() - 1].body));
    assert_eq!(repeated.map(|answer| (answer.status, answer.is_replay)), [(201, false), (201, true)]);
    // Each was bought once and renewed once.
    assert_eq!(site.balance(&account).cash, 1_000_000 - 2 * 10 * (i64::from(n) + 1));
    site.verify();
}
