//! Failbacks through the API (L-5).

use serde_json::json;

use crate::shop::{Call, OPERATOR, Reply, Shop};

const NOW: &str = "2025-06-30T08:19:29Z";
const THREE_DAYS_LATER: &str = "2025-07-03T08:19:29Z";

async fn start(shop: &Shop, account: &str, job: &str) -> Reply {
    shop.post("/v1/failbacks", json!({"account_id": account, "host": "web-1", "job_id": job})).await
}

async fn act(shop: &Shop, id: &str, action: &str) -> Reply {
    shop.send_text("POST", &format!("/v1/failbacks/{id}/{action}"), "").await
}

#[tokio::test]
async fn a_failback_consumes_its_unit_once_whatever_is_repeated() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "failback", 1, 3).await;

    let started = start(&shop, &account, "job-1").await.is(201);
    let id = started.id();

    let expected = json!({"id": id, "account_id": account, "host": "web-1", "job_id": "job-1", "state": "reserved",
        "license_id": license, "unit": 1, "reserved_at": NOW, "deadline": THREE_DAYS_LATER, "ended_at": null});
    assert_eq!(started.json, expected);
    assert_eq!(start(&shop, &account, "job-1").await.is(200).json, expected);
    start(&shop, &account, "job-2").await.refused(409, "no_units_available");
    let committed = act(&shop, &id, "commit").await.is(200);
    assert_eq!((&committed.json["state"], &committed.json["ended_at"]), (&json!("committed"), &json!(NOW)));
    let with_braces = shop.post(&format!("/v1/failbacks/{id}/commit"), json!({})).await.is(200);
    assert_eq!(with_braces.json, committed.json);
    assert_eq!(start(&shop, &account, "job-1").await.is(200).json, committed.json);
    act(&shop, &id, "cancel").await.refused(409, "already_consumed");
    act(&shop, &id, "heartbeat").await.refused(409, "already_consumed");
    let shown = shop.get(&format!("/v1/licenses/{license}")).await.is(200);
    assert_eq!((&shown.json["status"], &shown.json["consumed"]), (&json!("exhausted"), &json!(1)));
    let events = shop.get("/v1/events?type=failback.committed").await.is(200);
    assert_eq!(events.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cancelled_failback_gives_its_unit_back() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 1, 3).await;
    let id = start(&shop, &account, "job-1").await.is(201).id();

    let cancelled = act(&shop, &id, "cancel").await.is(200);
    assert_eq!(cancelled.json["state"], "cancelled");
    assert_eq!(act(&shop, &id, "cancel").await.is(200).json, cancelled.json);
    act(&shop, &id, "commit").await.refused(409, "failback_cancelled");
    act(&shop, &id, "heartbeat").await.refused(409, "failback_cancelled");
    assert_eq!(start(&shop, &account, "job-1").await.is(200).json["state"], "cancelled");
    start(&shop, &account, "job-2").await.is(201);
}

#[tokio::test]
async fn a_failback_that_is_not_heard_of_lapses() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 1, 3).await;
    let id = start(&shop, &account, "job-1").await.is(201).id();
    shop.advance("2025-07-02T08:19:29Z").await;

    let beaten = act(&shop, &id, "heartbeat").await.is(200);
    assert_eq!(beaten.json["deadline"], "2025-07-05T08:19:29Z");
    shop.advance("2025-07-05T08:19:29Z").await;
    assert_eq!(shop.get(&format!("/v1/failbacks/{id}")).await.is(200).json["state"], "lapsed");
    act(&shop, &id, "heartbeat").await.refused(409, "failback_lapsed");
    let other = start(&shop, &account, "job-2").await.is(201).id();
    act(&shop, &id, "commit").await.refused(409, "no_units_available");
    act(&shop, &other, "cancel").await.is(200);
    assert_eq!(act(&shop, &id, "commit").await.is(200).json["state"], "committed");
}

#[tokio::test]
async fn a_job_belongs_to_one_host() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 2, 3).await;
    start(&shop, &account, "job-1").await.is(201);

    let other = shop.post("/v1/failbacks", json!({"account_id": account, "host": "web-2", "job_id": "job-1"})).await;

    other.refused(409, "job_of_another_host");
}

#[tokio::test]
async fn a_failback_with_a_wrong_value_reserves_nothing() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 2, 3).await;
    let id = start(&shop, &account, "job-1").await.is(201).id();

    let long = "j".repeat(256);
    let wrong = json!({"account_id": account, "host": "a\u{7}b", "job_id": long});
    shop.post("/v1/failbacks", wrong).await.invalid_at(&["/host", "/job_id"]);
    shop.post("/v1/failbacks", json!({"host": "web-1", "job_id": "job-2"})).await.invalid_at(&["/account_id"]);
    let force = shop.post(&format!("/v1/failbacks/{id}/commit"), json!({"force": true})).await;
    force.invalid_at(&["/force"]);
    assert_eq!(shop.get("/v1/failbacks?state=reserved").await.json["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_commit_under_one_key_is_replayed() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 1, 3).await;
    let id = start(&shop, &account, "job-1").await.is(201).id();
    let commit = async || {
        let call = Call::with_key(OPERATOR).header("Idempotency-Key", "k1");
        shop.call("POST", &format!("/v1/failbacks/{id}/commit"), call).await.is(200)
    };

    let (first, again) = (commit().await, commit().await);

    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(first.json, again.json);
}

#[tokio::test]
async fn a_commit_that_found_no_unit_succeeds_under_its_key_when_there_is_one() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "failback", 1, 3).await;
    let lapsed = start(&shop, &account, "job-1").await.is(201).id();
    shop.advance(THREE_DAYS_LATER).await;
    let other = start(&shop, &account, "job-2").await.is(201).id();
    let commit = async || {
        let call = Call::with_key(OPERATOR).header("Idempotency-Key", "k1");
        shop.call("POST", &format!("/v1/failbacks/{lapsed}/commit"), call).await
    };

    commit().await.refused(409, "no_units_available");
    act(&shop, &other, "cancel").await.is(200);
    assert_eq!(commit().await.is(200).json["state"], "committed");
}

#[tokio::test]
async fn failbacks_are_found_by_what_they_are() {
    let shop = Shop::with_licenses(NOW).await;
    let (one, two) = (shop.account(0).await, shop.account(0).await);
    for account in [&one, &two] {
        shop.grants(account, "failback", 3, 3).await;
    }
    let cancelled = start(&shop, &one, "job-1").await.is(201).id();
    act(&shop, &cancelled, "cancel").await.is(200);
    let running = start(&shop, &one, "job-2").await.is(201).id();
    start(&shop, &two, "job-1").await.is(201);
    let found = async |query: &str| {
        let page = shop.get(&format!("/v1/failbacks?account_id={one}&{query}")).await.is(200);
        let rows = page.json["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(found("").await, [cancelled.clone(), running.clone()]);
    assert_eq!(found("state=cancelled").await, [cancelled]);
    assert_eq!(found("host=web-1&state=reserved").await, [running]);
    assert_eq!(found("host=web-2").await, Vec::<String>::new());
}
