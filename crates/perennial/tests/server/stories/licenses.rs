//! A customer who protects hosts: bought, assigned, renewed, taken offline, ended. And the vendor's keys.

use serde_json::{Value, json};

use crate::harness::{TestSite, perennial, perennial_with};

/// The public root key of a site, as the command line shows it.
fn root_of(site: &TestSite) -> String {
    let folder = site.folder().to_str().expect("a folder with a plain name");
    let listed = perennial(&["keys", "list", "--data-dir", folder]).succeeded().stdout;
    let line = listed.lines().next().expect("a line");
    line.rsplit(' ').next().expect("a key").to_owned()
}

fn license_file(site: &TestSite, account: &str) -> String {
    let answer = site.operator.post("/v1/license-files", &json!({"account_id": account}));
    answer.expect(201).as_str().expect("a text").to_owned()
}

/// Code and detail of a file, as `perennial license verify` says.
fn verified(site: &TestSite, text: &str, extra: &[&str]) -> Value {
    let file = site.folder().join("license.txt");
    std::fs::write(&file, text).expect("the folder is writable");
    let (root, now) = (root_of(site), site.now().to_string());
    let file = file.to_str().expect("a folder with a plain name");
    let mut args = vec!["license", "verify", file, "--root", &root, "--at", &now, "--json"];
    args.extend(extra);
    let finished = perennial(&args);
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

#[test]
fn a_license_is_sold_used_renewed_and_ends_with_its_books_in_order() {
    let mut site = TestSite::at("2025-06-30 15:30:27");
    site.sells_as("dr/monthly", "1 month", 7_500, &json!({"kind": "license", "license_kind": "dr"}));
    let account = site.customer(22_500);
    let fields = json!({"quantity": 1, "auto_renew": true, "consent": {"terms_version": "2025-06"}});
    let order = site.buys_as(&account, "dr/monthly", &fields);
    let license = order.license_id.expect("a license");

    let body = json!({"account_id": account, "host": "db-1"});
    site.operator.post("/v1/assignments", &body).expect(201);
    site.operator.post("/v1/assignments", &body).expect(200);
    let body = json!({"account_id": account, "host": "db-1", "job_id": "job-1"});
    let failback = site.operator.post("/v1/failbacks", &body).id(201);
    site.operator.post(&format!("/v1/failbacks/{failback}/commit"), &json!({})).expect(200);

    // It renews twice, then the money is gone: seven days of grace, then the end.
    site.advance_to("2025-09-30 15:30:27");
    let seen = site.operator.get(&format!("/v1/licenses/{license}")).expect(200);
    assert_eq!((&seen["status"], &seen["in_use"]), (&json!("grace"), &json!(1)));
    let ask = json!({"account_id": account, "host": "db-1", "nonce": "nonce-12"});
    let verdict = site.operator.post("/v1/validate", &ask).expect(200);
    assert_eq!((&verdict["code"], &verdict["allowed"]), (&json!("grace"), &json!(["sync", "drill", "takeover"])));
    site.advance_to("2025-10-07 15:30:27");
    let seen = site.operator.get(&format!("/v1/licenses/{license}")).expect(200);
    assert_eq!((&seen["status"], &seen["in_use"]), (&json!("expired"), &json!(0)));
    let verdict = site.operator.post("/v1/validate", &ask).expect(200);
    assert_eq!((&verdict["code"], &verdict["allowed"]), (&json!("stranded"), &json!(["takeover"])));

    let log: Vec<Value> = site.operator.list(&format!("/v1/licenses/{license}/allocations"));
    assert_eq!((log.len(), &log[0]["user"], &log[0]["ending"]), (1, &json!("db-1"), &json!("license_ended")));
    assert_eq!(site.orders(&format!("license_id={license}")).len(), 3);
    assert_eq!(site.balance(&account).cash, 0);
    site.stop();
    site.verify();
}

#[test]
fn a_license_file_verifies_offline_and_survives_a_new_signing_key() {
    let mut site = TestSite::at("2025-06-30 15:30:27");
    let account = site.customer(0);
    site.grants(&account, "dr", 3);
    let folder = site.folder().to_str().expect("a folder with a plain name").to_owned();

    let first = license_file(&site, &account);
    assert_eq!(verified(&site, &first, &["--audience", &account])["claims"]["seq"], 1);
    perennial(&["keys", "rotate", "--data-dir", &folder]).succeeded();
    // A server that runs looks at its keys again within seconds; this one starts anew.
    site.stop();
    site.restart("2025-06-30 15:30:27");
    let second = license_file(&site, &account);

    assert_ne!(kid(&verified(&site, &first, &[])), kid(&verified(&site, &second, &[])));
    assert_eq!(verified(&site, &first, &["--highest-seq", "2"])["code"], "older_sequence");
    let old = kid(&verified(&site, &first, &[]));
    perennial(&["keys", "revoke", &old, "--data-dir", &folder]).succeeded();
    site.stop();
    site.restart("2025-06-30 15:30:27");
    let third = verified(&site, &license_file(&site, &account), &[]);
    assert_eq!(third["revoked"], json!([old]));
    assert_eq!(verified(&site, &first, &["--revoked", &old])["code"], "key_revoked");
    let changed = second.replacen("ey", "fy", 1);
    assert_eq!(verified(&site, &changed, &[])["ok"], false);
    site.stop();
    site.verify();
}

fn kid(verified: &Value) -> String {
    verified["kid"].as_str().unwrap_or_else(|| panic!("no kid: {verified}")).to_owned()
}

#[test]
fn a_root_key_made_beforehand_is_the_one_that_signs_and_no_other_replaces_a_key() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    std::fs::write(path("passphrase"), "correct horse battery\n").expect("a file");
    let (data, root, passphrase) = (path("data"), path("root.key"), path("passphrase"));
    let init = ["keys", "init", "--data-dir", &data, "--root", &root, "--passphrase-file", &passphrase];
    let made = perennial(&init).succeeded().stdout;

    assert!(made.contains("perennial-root-ed25519:"), "{made}");
    let text = std::fs::read_to_string(path("root.key")).expect("the root key's file");
    assert!(text.contains("xchacha20poly1305"), "{text}");
    assert_eq!(perennial(&init).status.code(), Some(2), "keys are made once");
    let without = ["keys", "rotate", "--data-dir", &data, "--root", &root];
    let refused = perennial(&without);
    assert!(refused.stderr.contains("passphrase"), "{}", refused.stderr);
    perennial_with(
        &["keys", "rotate", "--data-dir", &data, "--root", &root],
        &[("PERENNIAL_ROOT_PASSPHRASE_FILE", &passphrase)],
    )
    .succeeded();
    let listed = perennial(&["keys", "list", "--data-dir", &data]).succeeded().stdout;
    assert_eq!((listed.matches("signs now").count(), listed.matches("replaced").count()), (1, 1), "{listed}");
}

#[test]
fn a_site_without_its_secret_signs_nothing_and_a_protected_root_makes_it_sign_again() {
    let mut site = TestSite::at("2025-06-30 15:30:27");
    let account = site.customer(0);
    site.grants(&account, "dr", 1);
    let folder = site.folder().to_str().expect("a folder with a plain name").to_owned();
    let passphrase = site.folder().join("passphrase").to_str().expect("a plain name").to_owned();
    std::fs::write(&passphrase, "correct horse battery\n").expect("a file");
    perennial(&["keys", "protect", "--data-dir", &folder, "--passphrase-file", &passphrase]).succeeded();
    site.stop();
    std::fs::remove_file(site.folder().join("secret")).expect("the secret");

    site.restart("2025-06-30 15:30:27");
    let refused = site.operator.post("/v1/license-files", &json!({"account_id": account}));
    assert_eq!(refused.refusal(), (503, "signing_unavailable"));
    site.advance_to("2025-07-01 00:00:00");
    site.stop();
    std::fs::write(site.folder().join("secret"), "0123456789abcdef".repeat(4)).expect("another secret");
    let rotate = ["keys", "rotate", "--data-dir", &folder, "--passphrase-file", &passphrase];
    assert!(perennial(&rotate).stderr.contains("--new-secret"));
    perennial(&[&rotate[..], &["--new-secret"]].concat()).succeeded();

    site.restart("2025-07-01 00:00:00");
    assert_eq!(verified(&site, &license_file(&site, &account), &[])["ok"], true);
    site.stop();
    site.verify();
}
