//! Commands for those who keep a site running.

use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Customer, Deed, Load, Site, TestSite, perennial};

#[test]
fn migrate_makes_a_database_and_changes_none_that_is_up_to_date() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("new/data");
    let data = data.to_str().unwrap();

    let first = perennial(&["migrate", "--data-dir", data]).succeeded().stdout;
    let second = perennial(&["migrate", "--data-dir", data]).succeeded().stdout;
    let verified = perennial(&["verify", "--data-dir", data]).succeeded().stdout;

    assert_eq!(first, "the database was brought from schema 0 to 3\n");
    assert_eq!(second, "the database has schema 3 already\n");
    assert_eq!(verified, "verified: no findings\n");
}

#[test]
fn a_backup_made_while_writes_go_on_holds_everything_that_was_acknowledged_before_it() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 10);
    let customers = [1, 2].map(|seed| Customer::new(site.customer(1_000_000), seed, &["uhost/monthly"])).to_vec();
    let accounts = customers.iter().map(|customer| customer.account.clone()).collect::<Vec<_>>();
    let known = site.buys(&accounts[0], "uhost/monthly");
    let copy = TempDir::new().unwrap();
    let file = copy.path().join("perennial.db");
    let (data_dir, file) = (site.folder().to_str().unwrap(), file.to_str().unwrap());

    let load = Load::start(&site, customers, 150);
    load.wait_for(20);
    let said = perennial(&["backup", "--data-dir", data_dir, file]).succeeded().stdout;
    let refused = perennial(&["backup", "--data-dir", data_dir, file]).refused();
    let (customers, _) = load.end();
    let copied = TestSite::start_on(copy, site.site.clone());

    assert_eq!(said, format!("copied to {file}\n"));
    assert!(refused.contains("exists already"), "{refused}");
    copied.verify();
    assert_eq!(copied.resource(&known), site.resource(&known));
    let in_copy: usize = accounts.iter().map(|account| copied.transactions(account).len()).sum();
    let in_site: usize = accounts.iter().map(|account| site.transactions(account).len()).sum();
    assert!((20..=in_site).contains(&in_copy), "{in_copy} of {in_site}");
    let n_done =
        customers.iter().flat_map(|customer| &customer.deeds).filter(|deed| Deed::done(deed).is_some()).count();
    assert_eq!(n_done, 300);
    site.verify();
}

#[test]
fn verify_names_the_row_that_was_tampered_with() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 12_000);
    let (mei, bo) = (site.customer(12_000), site.customer(500));
    let uhost = site.buys(&mei, "uhost/monthly");
    site.advance_to("2025-06-02 12:00:00");
    let order = site.orders(&format!("resource_id={uhost}&kind=purchase")).remove(0).id;
    let folder = site.into_folder();
    let data = folder.path().to_str().unwrap();
    let connection = Connection::open(folder.path().join("perennial.db")).unwrap();
    connection
        .execute_batch(
            "update account set cash = cash + 1 where cash = 500;
             update resource set due_at = due_at + 60;
             drop trigger order_is_a_document;
             update \"order\" set amount = amount - 1 where kind = 'purchase';",
        )
        .unwrap();
    connection.close().unwrap();

    let found = perennial(&["verify", "--data-dir", data]);
    let as_json = perennial(&["verify", "--json", "--data-dir", data]);

    assert_eq!((found.status.code(), as_json.status.code()), (Some(1), Some(1)));
    let line = |start: &str| {
        let line = found.stdout.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("nothing about {start:?}: {}", found.stdout))
    };
    assert!(line("a wallet is the sum of its postings").contains(&hex(&bo)), "{}", found.stdout);
    assert!(line("a resource is due when its next step is").contains(&uhost), "{}", found.stdout);
    assert!(line("orders are paid in the ledger").contains(&order), "{}", found.stdout);
    assert!(found.stdout.ends_with("findings\n"), "{}", found.stdout);
    let checks: Vec<Value> = as_json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(checks.len() >= 3 && checks.iter().all(|finding| finding["check"].is_string()), "{checks:?}");
}

/// An id as a SQL query shows it.
fn hex(id: &str) -> String {
    let id: domain::id::AccountId = id.parse().expect("an account");
    format!("{:032X}", id.as_u128())
}

#[test]
fn verify_finds_a_damaged_file() {
    let site = TestSite::at("2025-05-01 00:00:00");
    site.sells("uhost/monthly", "1 month", 10);
    let account = site.customer(10_000);
    (0..60).for_each(|_| drop(site.buys(&account, "uhost/monthly")));
    let folder = site.into_folder();
    let file = folder.path().join("perennial.db");
    let mut bytes = fs::read(&file).unwrap();
    let n = bytes.len();
    bytes[n / 2..n / 2 + 8_192].fill(0x5a);
    fs::write(&file, bytes).unwrap();

    let found = perennial(&["verify", "--data-dir", folder.path().to_str().unwrap()]);

    assert!(matches!(found.status.code(), Some(1 | 2)), "{found:?}");
    let said = found.stdout + &found.stderr;
    assert!(said.contains("the file is intact") || said.contains("malformed"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn openapi_prints_the_document_that_the_server_serves() {
    let site = TestSite::start(Site::at("UTC", "2025-05-01 00:00:00"));

    let printed = perennial(&["openapi"]).succeeded().stdout;

    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"), "{}", printed["openapi"]);
    assert!(printed["paths"]["/v1/orders"]["post"].is_object());
    assert_eq!(site.operator.get("/openapi.json").expect(200), printed);
}

#[test]
fn the_version_and_help_are_printed() {
    let version = perennial(&["--version"]).succeeded().stdout;
    let help = perennial(&["--help"]).succeeded().stdout;

    assert_eq!(version, format!("perennial {}\n", env!("CARGO_PKG_VERSION")));
    assert!(
        ["serve", "demo", "migrate", "verify", "backup", "openapi"].iter().all(|name| help.contains(name)),
        "{help}"
    );
}
