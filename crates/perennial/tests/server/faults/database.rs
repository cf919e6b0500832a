//! Databases that must not be touched: newer, foreign, in use, of another zone or clock.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Process, Site, TestSite, perennial};

const START: &str = "2025-05-01 00:00:00";

/// The database of a stopped site in which something was sold.
fn sold() -> TempDir {
    let site = TestSite::at(START);
    site.sells("uhost/monthly", "1 month", 12_000);
    let account = site.customer(12_000);
    site.buys(&account, "uhost/monthly");
    site.into_folder()
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("perennial.db")
}

/// The reason why a site cannot be served on a folder: one line.
fn refusal(folder: &Path, site: &Site) -> String {
    let reason = Process::start(site.command(folder)).finish().refused();
    assert_eq!(reason.lines().count(), 1, "{reason}");
    reason
}

/// The reasons of every command that opens a database; each is one line.
fn refusals(folder: &TempDir) -> [String; 4] {
    let path = folder.path().to_str().expect("a plain name");
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().expect("a plain name");
    let reasons = [
        refusal(folder.path(), &Site::at("Asia/Shanghai", START)),
        perennial(&["migrate", "--data-dir", path]).refused(),
        perennial(&["verify", "--data-dir", path]).refused(),
        perennial(&["backup", "--data-dir", path, copy]).refused(),
    ];
    assert!(reasons.iter().all(|reason| reason.lines().count() == 1), "{reasons:?}");
    assert!(!Path::new(copy).exists());
    reasons
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    let folder = sold();
    let connection = Connection::open(file(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.close().unwrap();
    let before = fs::read(file(&folder)).unwrap();

    let reasons = refusals(&folder);

    assert!(reasons.iter().all(|reason| reason.contains("schema 99, newer than this program's 3")), "{reasons:?}");
    assert!(fs::read(file(&folder)).unwrap() == before, "the file was changed");
}

#[test]
fn a_file_of_something_else_is_refused_and_not_touched() {
    let folder = TempDir::new().unwrap();
    fs::write(file(&folder), "These are the notes of someone who named a file badly.\n".repeat(40)).unwrap();
    let before = fs::read(file(&folder)).unwrap();

    let reasons = refusals(&folder);

    assert!(reasons.iter().all(|reason| reason.contains("is not a perennial database")), "{reasons:?}");
    assert!(fs::read(file(&folder)).unwrap() == before, "the file was changed");
}

#[test]
fn a_sqlite_database_of_another_program_is_refused_and_not_touched() {
    let folder = TempDir::new().unwrap();
    let connection = Connection::open(file(&folder)).unwrap();
    connection.execute_batch("create table note (text text); insert into note values ('mine')").unwrap();
    connection.close().unwrap();
    let before = fs::read(file(&folder)).unwrap();

    let reasons = refusals(&folder);

    assert!(reasons.iter().all(|reason| reason.contains("is not a perennial database")), "{reasons:?}");
    assert!(fs::read(file(&folder)).unwrap() == before, "the file was changed");
}

#[test]
fn a_folder_without_a_database_is_nothing_to_verify_or_copy() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();

    let verified = perennial(&["verify", "--data-dir", path]).refused();
    let copied = perennial(&["backup", "--data-dir", path, "copy.db"]).refused();

    assert!(verified.contains("there is no database") && copied.contains("there is no database"), "{verified}{copied}");
    assert!(!file(&folder).exists());
}

#[test]
fn a_second_process_on_the_same_database_is_refused_and_the_first_goes_on() {
    let site = TestSite::at(START);
    let path = site.folder().to_str().unwrap();

    let served = refusal(site.folder(), &site.site);
    let migrated = perennial(&["migrate", "--data-dir", path]).refused();

    assert!(served.contains("is in use by another perennial process"), "{served}");
    assert!(migrated.contains("is in use by another perennial process"), "{migrated}");
    site.customer(1);
    site.verify();
}

#[test]
fn the_zone_may_change_until_something_was_sold_and_never_after() {
    let shanghai = Site::at("Asia/Shanghai", START);
    let tokyo = Site { zone: "Asia/Tokyo", ..shanghai.clone() };
    let unsold = TestSite::start(shanghai.clone()).into_folder();

    let moved = TestSite::start_on(unsold, tokyo.clone());
    moved.sells("uhost/monthly", "1 month", 12_000);
    let account = moved.customer(12_000);
    moved.buys(&account, "uhost/monthly");
    let folder = moved.into_folder();
    let refused = refusal(folder.path(), &shanghai);

    assert!(refused.contains("bills in Asia/Tokyo") && refused.contains("Asia/Shanghai"), "{refused}");
    TestSite::start_on(folder, tokyo).verify();
}

#[test]
fn a_test_clock_on_a_database_of_real_time_is_refused() {
    let real = TestSite::start(Site { test_clock: None, ..Site::at("Asia/Shanghai", START) });
    real.sells("uhost/monthly", "1 month", 12_000);
    let account = real.customer(12_000);
    real.buys(&account, "uhost/monthly");
    let clock = real.operator.get("/v1/test-clock").status;
    let moved = real.operator.post("/v1/test-clock/advance", &json!({"to": "2100-01-01T00:00:00Z"})).status;
    let folder = real.into_folder();

    let refused = refusal(folder.path(), &Site::at("Asia/Shanghai", "2100-01-01 00:00:00"));

    assert_eq!((clock, moved), (404, 404));
    assert!(refused.contains("test_clock") && refused.contains("lives on real time"), "{refused}");
}

#[test]
fn real_time_on_a_database_of_a_test_clock_is_refused() {
    let folder = sold();

    let refused = refusal(folder.path(), &Site { test_clock: None, ..Site::at("Asia/Shanghai", START) });

    assert!(refused.contains("lives on a test clock at 2025-04-30T16:00:00Z"), "{refused}");
}

#[test]
fn of_the_stored_and_the_given_test_clock_the_later_one_holds() {
    let mut site = TestSite::at(START);
    site.advance_to("2025-05-03 00:00:00");

    site.stop();
    site.restart("2025-05-02 00:00:00");
    let stored = site.show(site.now());
    site.stop();
    site.restart("2025-05-04 00:00:00");
    let given = site.show(site.now());

    assert_eq!((&*stored, &*given), ("2025-05-03 00:00:00", "2025-05-04 00:00:00"));
}
