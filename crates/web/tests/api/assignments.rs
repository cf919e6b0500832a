//! Assignments through the API (L-6).

use serde_json::{Value, json};

use crate::shop::{Reply, Shop};

const NOW: &str = "2025-06-30T08:19:29Z";

async fn assign(shop: &Shop, account: &str, host: &str) -> Reply {
    shop.post("/v1/assignments", json!({"account_id": account, "host": host})).await
}

fn hosts(reply: &Reply) -> Vec<&str> {
    let rows = reply.json["data"].as_array().expect("a list").iter();
    rows.map(|row| row["host"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn a_host_gets_one_unit_of_the_license_that_ends_first() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1, 12).await;
    let first_to_end = shop.grants(&account, "dr", 1, 6).await;
    let body = json!({"account_id": account, "host": "10.0.0.7", "name": "database 1"});

    let made = shop.post("/v1/assignments", body.clone()).await.is(201);
    let again = shop.post("/v1/assignments", body).await.is(200);

    let expected = json!({"id": made.id(), "account_id": account, "host": "10.0.0.7", "name": "database 1",
        "license_id": first_to_end, "unit": 1, "assigned_at": NOW, "released_at": null});
    assert_eq!((&made.json, &again.json), (&expected, &expected));
    assert_eq!(again.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_unit_comes_from_the_license_that_was_chosen() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let (short, long) = (shop.grants(&account, "dr", 1, 1).await, shop.grants(&account, "dr", 1, 12).await);
    let failback = shop.grants(&account, "failback", 1, 12).await;
    let foreign = shop.grants(&shop.account(0).await, "dr", 1, 12).await;
    let choose = async |host: &str, license: &str| {
        let body = json!({"account_id": account, "host": host, "license_id": license});
        shop.post("/v1/assignments", body).await
    };

    assert_eq!(choose("web-1", &long).await.is(201).json["license_id"], json!(long));
    choose("web-2", &long).await.refused(409, "no_units_available");
    choose("web-2", &failback).await.refused(422, "unknown_license");
    choose("web-2", &foreign).await.refused(422, "unknown_license");
    choose("web-2", "lic_1").await.invalid_at(&["/license_id"]);
    assert_eq!(choose("web-2", &short).await.is(201).json["license_id"], json!(short));
    assign(&shop, &account, "web-3").await.refused(409, "no_units_available");
}

#[tokio::test]
async fn a_unit_moves_to_another_host_in_one_step() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 2, 12).await;
    let (first, second) = (shop.assigns(&account, "web-1").await, shop.assigns(&account, "web-2").await);
    let url = format!("/v1/assignments/{first}");
    let move_to = async |host: &str| shop.post(&format!("{url}/move"), json!({ "host": host })).await;

    let moved = shop.post(&format!("{url}/move"), json!({"host": "web-9", "name": "new"})).await.is(200);
    assert_eq!((moved.id(), moved.text_at("/host"), moved.text_at("/name")), (first.clone(), "web-9", "new"));
    move_to("web-9").await.is(200);
    move_to("web-2").await.refused(409, "host_has_unit");
    move_to(" web-3").await.invalid_at(&["/host"]);
    shop.delete(&format!("/v1/assignments/{second}")).await.is(200);
    let gone = shop.post(&format!("/v1/assignments/{second}/move"), json!({"host": "web-4"})).await;
    gone.refused(409, "assignment_released");
    move_to("web-2").await.is(200);
}

#[tokio::test]
async fn a_released_unit_is_free_again() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1, 12).await;
    let id = shop.assigns(&account, "web-1").await;
    let url = format!("/v1/assignments/{id}");

    let released = shop.delete(&url).await.is(200);
    shop.advance("2025-07-01T00:00:00Z").await;
    let again = shop.delete(&url).await.is(200);

    assert_eq!((&released.json["released_at"], &again.json), (&json!(NOW), &released.json));
    assert_eq!(shop.get(&url).await.is(200).json, released.json);
    assert_eq!(shop.get("/v1/assignments").await.is(200).json["data"], json!([]));
    assert_ne!(shop.assigns(&account, "web-1").await, id);
}

#[tokio::test]
async fn several_hosts_are_served_in_their_order() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "dr", 2, 12).await;
    let items = json!([{"host": "web-1", "name": "one"}, {"host": "web-2", "license_id": license}, {"host": "web-1"},
        {"host": "web-3"}]);

    let done = shop.post("/v1/assignments/bulk", json!({"account_id": account, "items": items})).await.is(200);

    let rows = done.json["data"].as_array().unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (&row["host"], &row["ok"], &row["code"])).collect();
    let (yes, no, none, short) = (json!(true), json!(false), json!(null), json!("no_units_available"));
    let (one, two, three) = (json!("web-1"), json!("web-2"), json!("web-3"));
    assert_eq!(shown, [(&one, &yes, &none), (&two, &yes, &none), (&one, &yes, &none), (&three, &no, &short)]);
    assert_eq!(rows[0]["assignment"], rows[2]["assignment"]);
    assert_eq!((&rows[3]["assignment"], &rows[3]["detail"]), (&none, &json!("no unit is free")));
    assert_eq!(rows[1]["assignment"]["unit"], 2);
}

#[tokio::test]
async fn a_thousand_hosts_fit_into_one_request_and_no_more() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1_000, 12).await;
    let bulk = async |n: u32| {
        let items: Vec<_> = (0..n).map(|number| json!({"host": format!("web-{number}")})).collect();
        shop.post("/v1/assignments/bulk", json!({"account_id": account, "items": items})).await
    };

    bulk(0).await.invalid_at(&["/items"]);
    bulk(1_001).await.invalid_at(&["/items"]);
    let done = bulk(1_000).await.is(200);
    let rows = done.json["data"].as_array().unwrap();
    assert!(rows.len() == 1_000 && rows.iter().all(|row| row["ok"] == true));
    let summary = shop.get(&format!("/v1/licenses/summary?account_id={account}")).await.is(200);
    assert_eq!(summary.json["dr"], json!({"total": 1_000, "in_use": 1_000, "available": 0}));
}

#[tokio::test]
async fn wrong_hosts_of_a_bulk_are_all_named_and_nothing_is_done() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 5, 12).await;
    let items = json!([{"host": "web-1"}, {"host": ""}, {"host": "web-2", "license_id": "x", "name": " "}]);

    let refused = shop.post("/v1/assignments/bulk", json!({"account_id": account, "items": items})).await;

    refused.invalid_at(&["/items/1/host", "/items/2/name", "/items/2/license_id"]);
    assert_eq!(shop.get("/v1/assignments").await.json["data"], json!([]));
}

#[tokio::test]
async fn in_grace_hosts_may_move_and_none_may_come() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(15_000).await;
    shop.buys_dr(&account, 2).await;
    let id = shop.assigns(&account, "web-1").await;
    shop.advance("2025-07-31T08:19:29Z").await;

    assign(&shop, &account, "web-2").await.refused(409, "no_units_available");
    shop.post(&format!("/v1/assignments/{id}/move"), json!({"host": "web-2"})).await.is(200);
    shop.advance("2025-08-06T08:19:29Z").await;
    let stranded = shop.get(&format!("/v1/assignments?account_id={account}&host=web-2")).await.is(200);
    assert_eq!(stranded.json["data"][0]["license_id"], Value::Null);
    let moved = shop.post(&format!("/v1/assignments/{id}/move"), json!({"host": "web-3"})).await;
    moved.refused(409, "stranded");
}

#[tokio::test]
async fn assignments_are_found_by_what_they_are() {
    let shop = Shop::with_licenses(NOW).await;
    let (one, two) = (shop.account(0).await, shop.account(0).await);
    let license = shop.grants(&one, "dr", 2, 12).await;
    shop.grants(&two, "dr", 1, 12).await;
    for (account, host) in [(&one, "web-1"), (&two, "web-1"), (&one, "web-2")] {
        shop.assigns(account, host).await;
    }
    let found = async |query: &str| shop.get(&format!("/v1/assignments?{query}")).await.is(200);

    assert_eq!(hosts(&found("limit=100").await), ["web-1", "web-1", "web-2"]);
    assert_eq!(hosts(&found(&format!("account_id={one}")).await), ["web-1", "web-2"]);
    assert_eq!(found("host=web-1").await.json["data"].as_array().unwrap().len(), 2);
    assert_eq!(hosts(&found(&format!("host=web-1&account_id={two}")).await), ["web-1"]);
    assert_eq!(hosts(&found(&format!("license_id={license}")).await), ["web-1", "web-2"]);
    assert_eq!(hosts(&found("host=web-7").await), Vec::<&str>::new());
}
