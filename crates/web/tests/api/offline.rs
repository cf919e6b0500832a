//! What works without us: installations, their receipts, license files and the keys with which they verify (L-5, L-8).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Instant;
use seal::{CheckedOut, Expectation, Flaw, PrivateKey, ReceiptClaims, UnitReceipt, V1, verify};
use serde_json::{Value, json};

use crate::shop::{Call, OPERATOR, Reply, Shop, VENDOR};

const NOW: &str = "2025-06-30T08:19:29Z";

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

/// An installation and the private half of its key.
struct Site {
    id: String,
    account: String,
    key: PrivateKey,
}

impl Site {
    async fn registered(shop: &Shop, account: &str, name: &str, entropy: u8) -> Self {
        let key = PrivateKey::from_bytes(&[entropy; 32]);
        let body = json!({"account_id": account, "name": name, "public_key": public(&key)});
        let id = shop.post("/v1/installations", body).await.is(201).id();
        Self { id, account: account.to_owned(), key }
    }

    fn receipt(&self, counter: u64, units: Vec<UnitReceipt>) -> ReceiptClaims {
        let (iss, aud) = (self.id.clone(), self.account.clone());
        ReceiptClaims { v: V1, iss, aud, counter, iat: at(NOW), units }
    }

    async fn sends(&self, shop: &Shop, receipt: &str) -> Reply {
        shop.post(&format!("/v1/installations/{}/receipts", self.id), json!({ "receipt": receipt })).await
    }

    async fn takes(&self, shop: &Shop, n: i64) -> Reply {
        shop.post(&format!("/v1/installations/{}/checkouts", self.id), json!({ "units": n })).await
    }
}

fn public(key: &PrivateKey) -> String {
    URL_SAFE_NO_PAD.encode(key.public().as_bytes())
}

fn used(license_id: &str, unit: u32, job: &str) -> UnitReceipt {
    UnitReceipt {
        license_id: license_id.to_owned(),
        unit,
        used: true,
        job_id: Some(job.to_owned()),
        host: Some("web-1".to_owned()),
        used_at: Some(at(NOW)),
    }
}

fn unused(license_id: &str, unit: u32) -> UnitReceipt {
    let license_id = license_id.to_owned();
    UnitReceipt { license_id, unit, used: false, job_id: None, host: None, used_at: None }
}

#[tokio::test]
async fn an_installation_is_registered_once_under_its_name() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let key = public(&PrivateKey::from_bytes(&[1; 32]));
    let body = json!({"account_id": account, "name": "site B", "public_key": key});

    let made = shop.post("/v1/installations", body.clone()).await.is(201);

    let expected = json!({"id": made.id(), "account_id": account, "name": "site B", "public_key": key, "counter": 0,
        "created_at": NOW, "retired_at": null, "retire_reason": null, "checked_out": []});
    assert_eq!(made.json, expected);
    assert_eq!(shop.post("/v1/installations", body).await.is(201).json, expected);
    assert_eq!(shop.get(&format!("/v1/installations/{}", made.id())).await.is(200).json, expected);
    let other = public(&PrivateKey::from_bytes(&[2; 32]));
    let taken =
        shop.post("/v1/installations", json!({"account_id": account, "name": "site B", "public_key": other})).await;
    taken.refused(409, "installation_exists");
    let listed = shop.get(&format!("/v1/installations?account_id={account}")).await.is(200);
    assert_eq!(listed.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed.json["data"][0].get("checked_out"), None);
    shop.get("/v1/installations").await.invalid_at(&["/account_id"]);
}

#[tokio::test]
async fn a_key_that_nobody_could_have_is_refused() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let register = async |key: &str| {
        shop.post("/v1/installations", json!({"account_id": account, "name": "site B", "public_key": key})).await
    };
    let (zero, padded) = (URL_SAFE_NO_PAD.encode([0; 32]), format!("{}=", "A".repeat(43)));

    register(&zero).await.refused(422, "invalid_public_key");
    for text in ["", "abc", &padded, &"A".repeat(44), &"+".repeat(43)] {
        register(text).await.invalid_at(&["/public_key"]);
    }
}

#[tokio::test]
async fn a_receipt_brings_back_what_was_taken_along() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 3, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;

    let taken = site.takes(&shop, 2).await.is(201);
    let units = json!([{"license_id": license, "unit": 1}, {"license_id": license, "unit": 2}]);
    assert_eq!(taken.json, json!({ "data": units }));
    let shown = shop.get(&format!("/v1/installations/{}", site.id)).await.is(200);
    assert_eq!(shown.json["checked_out"], units);
    site.takes(&shop, 2).await.refused(409, "no_units_available");

    let receipt = site.receipt(1, vec![used(&license, 1, "job-1"), unused(&license, 2)]).sign(&site.key);
    let settled = site.sends(&shop, &receipt).await.is(200);
    assert_eq!(settled.json, json!({"used": 1, "unused": 1}));
    assert_eq!(site.sends(&shop, &format!("{receipt}\n")).await.is(200).json, settled.json);
    let shown = shop.get(&format!("/v1/licenses/{license}")).await.is(200);
    let units = json!({"assigned": 0, "reserved": 0, "consumed": 1, "checked_out": 0, "free": 2});
    assert_eq!(shown.json["units"], units);
    let failbacks = shop.get("/v1/failbacks?state=committed").await.is(200);
    assert_eq!(failbacks.json["data"][0]["job_id"], "job-1");
}

#[tokio::test]
async fn a_receipt_that_does_not_hold_changes_nothing() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 3, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;
    let other = Site::registered(&shop, &account, "site C", 2).await;
    site.takes(&shop, 2).await.is(201);
    let good = site.receipt(5, vec![used(&license, 1, "job-1")]);
    let signed = good.sign(&site.key);
    let of_other = ReceiptClaims { iss: other.id.clone(), ..good.clone() };
    let twice = ReceiptClaims { units: vec![unused(&license, 1), unused(&license, 1)], ..good.clone() };
    let no_job = ReceiptClaims { units: vec![UnitReceipt { job_id: None, ..used(&license, 1, "") }], ..good.clone() };
    let no_id = ReceiptClaims { units: vec![unused("license 1", 1)], ..good.clone() };
    let cases = [
        ("nothing".to_owned(), "malformed_receipt"),
        (String::new(), "malformed_receipt"),
        (signed.replacen('.', "..", 1), "malformed_receipt"),
        (good.sign(&other.key), "unknown_key"),
        (tampered(&signed), "receipt_signature_invalid"),
        (of_other.sign(&site.key), "wrong_audience"),
        (twice.sign(&site.key), "inconsistent"),
        (no_job.sign(&site.key), "malformed_receipt"),
        (no_id.sign(&site.key), "malformed_receipt"),
    ];

    for (receipt, code) in cases {
        site.sends(&shop, &receipt).await.refused(422, code);
    }
    let stray = site.receipt(5, vec![unused(&license, 3)]).sign(&site.key);
    site.sends(&shop, &stray).await.refused(409, "not_checked_out");
    site.sends(&shop, &signed).await.is(200);
    let lower = site.receipt(5, vec![unused(&license, 2)]).sign(&site.key);
    site.sends(&shop, &lower).await.refused(409, "receipt_counter_backwards");
    let shown = shop.get(&format!("/v1/installations/{}", site.id)).await.is(200);
    assert_eq!((&shown.json["counter"], &shown.json["checked_out"][0]["unit"]), (&json!(5), &json!(2)));
    let reported = shop.get("/v1/events?type=installation.receipt_refused").await.is(200);
    let stray = json!({"license_id": license, "unit": 3, "counter": 5, "used": false});
    assert_eq!(reported.json["data"][0]["data"], stray);
    assert_eq!(reported.json["data"][1]["data"], json!({"counter": 5, "last": 5}));
}

#[tokio::test]
async fn a_unit_used_for_a_job_of_another_host_is_consumed_and_reported() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 3, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;
    site.takes(&shop, 1).await.is(201);
    let job = json!({"account_id": account, "job_id": "job-1", "host": "db-1"});
    shop.post("/v1/failbacks", job).await.is(201);

    let receipt = site.receipt(1, vec![used(&license, 1, "job-1")]).sign(&site.key);
    site.sends(&shop, &receipt).await.is(200);

    let reported = shop.get("/v1/events?type=failback.conflict").await.is(200);
    let conflict = json!({"job_id": "job-1", "host": "web-1", "license_id": license, "unit": 1});
    assert_eq!(reported.json["data"][0]["data"], conflict);
}

#[tokio::test]
async fn a_lost_installation_is_retired_with_its_units_free_again() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 3, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;
    site.takes(&shop, 2).await.is(201);
    let url = format!("/v1/installations/{}/retire", site.id);
    let lost = json!({"reason": "the disk is dead", "units": "return"});

    let retired = shop.post(&url, lost).await.is(200);

    assert_eq!((&retired.json["retired_at"], retired.text_at("/retire_reason")), (&json!(NOW), "the disk is dead"));
    assert_eq!(retired.json["checked_out"], json!([]));
    let again = shop.post(&url, json!({"reason": "another", "units": "consume"})).await.is(200);
    assert_eq!(again.json, retired.json);
    assert_eq!(shop.get(&format!("/v1/installations/{}", site.id)).await.is(200).json, retired.json);
    site.takes(&shop, 1).await.refused(409, "installation_retired");
    let file = json!({"account_id": account, "installation_id": site.id});
    shop.post("/v1/license-files", file).await.refused(409, "installation_retired");
    let late = site.receipt(1, vec![used(&license, 1, "job-1")]).sign(&site.key);
    site.sends(&shop, &late).await.refused(409, "installation_retired");
    let told = shop.get("/v1/events?type=installation.retired").await.is(200);
    let expected = json!({"reason": "the disk is dead", "n_units": 2, "consumed": false});
    assert_eq!(told.json["data"][0]["data"], expected);
    let told = shop.get("/v1/events?type=installation.receipt_refused").await.is(200);
    assert_eq!(told.json["data"][0]["data"], json!({"counter": 1, "retired_at": NOW}));
    let next = Site::registered(&shop, &account, "site B", 2).await;
    assert_eq!(next.takes(&shop, 3).await.is(201).json["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_lost_installation_is_retired_with_its_units_consumed() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 3, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;
    site.takes(&shop, 2).await.is(201);

    let url = format!("/v1/installations/{}/retire", site.id);
    shop.post(&url, json!({"reason": "the key is gone", "units": "consume"})).await.is(200);

    let shown = shop.get(&format!("/v1/licenses/{license}")).await.is(200);
    let units = json!({"assigned": 0, "reserved": 0, "consumed": 2, "checked_out": 0, "free": 1});
    assert_eq!(shown.json["units"], units);
    let failbacks = shop.get("/v1/failbacks?state=committed").await.is(200);
    let first = &failbacks.json["data"][0];
    assert_eq!(first["host"], "site B");
    assert_eq!(first["job_id"], format!("retired-{}", first["id"].as_str().unwrap()));
    let log = shop.get(&format!("/v1/licenses/{license}/allocations")).await.is(200);
    assert_eq!(log.text_at("/data/0/ending"), "retired");
}

/// With another claim, and the old signature.
fn tampered(receipt: &str) -> String {
    let parts: Vec<_> = receipt.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    let claims = String::from_utf8(claims).expect("JSON").replace("\"counter\":5", "\"counter\":6");
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims), parts[2])
}

#[tokio::test]
async fn units_to_take_along_are_1_to_1000() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 2_000, 12).await;
    let site = Site::registered(&shop, &account, "site B", 1).await;

    for n in [0, -1, 1_001, i64::MAX] {
        site.takes(&shop, n).await.refused(422, "invalid_quantity");
    }
    assert_eq!(site.takes(&shop, 1_000).await.is(201).json["data"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_license_file_verifies_with_the_pinned_root_alone() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let license = shop.buys_dr(&account, 2).await;
    shop.assigns(&account, "web-1").await;
    let site = Site::registered(&shop, &account, "site B", 1).await;
    site.takes(&shop, 1).await.is(201);
    let root = shop.root().await;
    let for_site = json!({"account_id": account, "installation_id": site.id});

    let file = shop.post("/v1/license-files", for_site).await.is(201);

    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"license.txt\"");
    let expectation =
        Expectation { audience: Some(&site.id), issuer: Some(VENDOR), ..Expectation::new(&root, at(NOW)) };
    let verified = verify(&file.text, &expectation).expect("a file that holds");
    assert_eq!((&verified.claims.sub, verified.claims.seq), (&account, 1));
    let mut kinds: Vec<_> = verified.claims.grants.iter().map(|grant| (&*grant.kind, &*grant.source)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("dr", "purchase"), ("failback", "bonus")]);
    let hosts: Vec<_> = verified.claims.assignments.iter().map(|seat| (&*seat.host, &*seat.license_id)).collect();
    assert_eq!(hosts, [("web-1", &*license)]);
    let bonus = shop.get("/v1/licenses?source=bonus").await.text_at("/data/0/id").to_owned();
    assert_eq!(verified.claims.checked_out, [CheckedOut { license_id: bonus, unit: 1 }]);
    let late = Expectation { now: at("2025-07-30T08:19:29Z"), ..expectation };
    assert!(matches!(verify(&file.text, &late), Err(Flaw::Expired { .. })));
}

#[tokio::test]
async fn files_of_an_account_are_numbered_and_a_repeat_is_the_same_file() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let key = shop.key_of(&account).await;
    let call = || Call::with_key(&key).header("Idempotency-Key", "k1");
    let root = shop.root().await;
    let expectation = Expectation { audience: Some(&account), ..Expectation::new(&root, at(NOW)) };

    let first = shop.call("POST", "/v1/license-files", call()).await.is(201);
    let again = shop.call("POST", "/v1/license-files", call()).await.is(201);
    let next = shop.post_as(&key, "/v1/license-files", json!({})).await.is(201);

    assert_eq!((&first.text, again.header("idempotency-replayed")), (&again.text, "true"));
    assert_eq!(verify(&next.text, &expectation).unwrap().claims.seq, 2);
    let foreign = Site::registered(&shop, &shop.account(0).await, "site B", 1).await;
    let body = json!({"installation_id": foreign.id});
    shop.post_as(&key, "/v1/license-files", body).await.refused(404, "not_found");
    let body = json!({"account_id": account, "installation_id": foreign.id});
    shop.post("/v1/license-files", body).await.refused(404, "not_found");
    shop.post("/v1/license-files", json!({})).await.invalid_at(&["/account_id"]);
    let wrong = json!({"account_id": account, "installation_id": "site B"});
    shop.post("/v1/license-files", wrong).await.invalid_at(&["/installation_id"]);
}

#[tokio::test]
async fn the_public_keys_are_for_everyone() {
    let shop = Shop::with_licenses(NOW).await;
    let file = shop.post("/v1/license-files", json!({"account_id": shop.account(0).await})).await.is(201).text;

    let keys = shop.call("GET", "/.well-known/license-keys.json", Call::default()).await.is(200);

    let header = URL_SAFE_NO_PAD.decode(file.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(keys.header("cache-control"), "public, max-age=300");
    assert_eq!(keys.header("content-type"), "application/json");
    assert_eq!(keys.json["keys"].as_array().unwrap().len(), 1);
    let key = &keys.json["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["kid"]), (&json!("OKP"), &json!("Ed25519"), &header["kid"]));
}

#[tokio::test]
async fn without_keys_nothing_is_signed_and_everything_else_works() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1, 1).await;

    shop.post("/v1/license-files", json!({"account_id": account})).await.refused(503, "signing_unavailable");
    let code = json!({"kind": "dr", "quantity": 1, "term": {"unit": "month", "count": 1}});
    shop.post("/v1/activation-codes", code).await.refused(503, "signing_unavailable");
    let question = json!({"account_id": account, "nonce": "9f86d081"});
    shop.post("/v1/validate", question).await.refused(503, "signing_unavailable");
    let keys = shop.call("GET", "/.well-known/license-keys.json", Call::default()).await.is(200);
    assert_eq!(keys.json, json!({"keys": []}));
    shop.call(
        "POST",
        "/v1/assignments",
        Call::with_key(OPERATOR).body(json!({"account_id": account, "host": "a"}).to_string()),
    )
    .await
    .is(201);
}
