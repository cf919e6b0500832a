//! Exports: whole, harmless to spreadsheets, and broken rather than cut short.

use axum::body::Body;
use axum::http::Request;
use http_body::Body as _;
use serde_json::json;

use crate::shop::{OPERATOR, Shop};

const NOW: &str = "2025-06-30T08:19:29Z";

/// The fields of each line. No field of these tests holds a comma or quote, unless it says so.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split(',').collect()).collect()
}

/// Assigns so many hosts.
async fn assign_many(shop: &Shop, account: &str, n: usize) {
    let hosts: Vec<_> = (0..n).map(|number| json!({"host": format!("web-{number:04}")})).collect();
    for items in hosts.chunks(1_000) {
        shop.post("/v1/assignments/bulk", json!({"account_id": account, "items": items})).await.is(200);
    }
}

#[tokio::test]
async fn an_export_has_a_row_for_each_license() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(75_000).await;
    let license = shop.buys_dr(&account, 2).await;

    let sheet = shop.get("/v1/licenses.csv?kind=dr").await.is(200);

    assert_eq!(sheet.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(sheet.header("content-disposition"), "attachment; filename=\"licenses.csv\"");
    assert!(sheet.text.ends_with("\r\n"));
    let rows = rows(&sheet.text);
    let cell = |title: &str| rows[1][rows[0].iter().position(|column| *column == title).expect("a column")];
    assert_eq!(rows.len(), 2);
    assert_eq!((cell("id"), cell("kind"), cell("source")), (&*license, "dr", "purchase"));
    assert_eq!((cell("total"), cell("in_use"), cell("service_life_days")), ("2", "0", "30"));
    assert_eq!((cell("expires_at"), cell("status")), ("2025-07-30T08:19:29Z", "valid"));
    assert_eq!((cell("auto_renew"), cell("parent_id"), cell("ended_at")), ("true", "", ""));
}

#[tokio::test]
async fn a_cell_is_never_a_formula() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let license = shop.grants(&account, "dr", 10, 1).await;
    let hosts = ["=1+2", "+1", "-1", "@SUM(A1)", "web-1", "a=b"];
    for host in hosts {
        shop.assigns(&account, host).await;
    }
    let named = json!({"account_id": account, "host": "quoted", "name": "=\"a\", b"});
    shop.post("/v1/assignments", named).await.is(201);
    shop.post(&format!("/v1/licenses/{license}/suspend"), json!({"reason": "=cmd|' /C calc'!A0"})).await.is(200);

    let sheet = shop.get("/v1/assignments.csv").await.is(200);

    let found: Vec<_> = rows(&sheet.text)[1..7].iter().map(|row| row[2].to_owned()).collect();
    assert_eq!(found, ["'=1+2", "'+1", "'-1", "'@SUM(A1)", "web-1", "a=b"]);
    assert!(sheet.text.contains(",quoted,\"'=\"\"a\"\", b\","), "{}", sheet.text);
    let licenses = shop.get("/v1/licenses.csv").await.is(200);
    assert!(licenses.text.contains(",'=cmd|' /C calc'!A0,"), "{}", licenses.text);
}

#[tokio::test]
async fn thousands_of_rows_come_whole_and_in_order() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 3_000, 1).await;
    assign_many(&shop, &account, 2_500).await;

    let sheet = shop.get(&format!("/v1/assignments.csv?account_id={account}")).await.is(200);

    let rows = rows(&sheet.text);
    assert_eq!(rows[0], ["id", "account_id", "host", "name", "license_id", "unit", "assigned_at"]);
    let hosts: Vec<_> = rows[1..].iter().map(|row| row[2].to_owned()).collect();
    let expected: Vec<_> = (0..2_500).map(|number| format!("web-{number:04}")).collect();
    assert_eq!(hosts, expected);
}

#[tokio::test]
async fn a_list_of_exactly_one_page_ends_with_it() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1_000, 1).await;
    assign_many(&shop, &account, 1_000).await;

    let sheet = shop.get("/v1/assignments.csv").await.is(200);

    assert_eq!(rows(&sheet.text).len(), 1_001);
}

#[tokio::test]
async fn an_export_of_nothing_has_its_titles() {
    let shop = Shop::with_licenses(NOW).await;
    let sheet = shop.get("/v1/licenses.csv?status=expired").await.is(200);
    assert_eq!(rows(&sheet.text).len(), 1);
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_breaks_the_transfer() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    shop.grants(&account, "dr", 1_500, 1).await;
    assign_many(&shop, &account, 1_500).await;
    let request = Request::get("/v1/assignments.csv").header("authorization", format!("Bearer {OPERATOR}"));
    let response = shop.response(request.body(Body::empty()).unwrap()).await;
    let mut body = std::pin::pin!(response.into_body());
    let mut frame = async || std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;

    let first = frame().await.expect("a frame").expect("the first page").into_data().expect("bytes");
    shop.tampers("update assignment set host = 'no host ' where host = 'web-1200'");
    let second = frame().await.expect("no end");

    assert_eq!(rows(str::from_utf8(&first).unwrap()).len(), 1_001);
    assert!(second.is_err());
}

#[tokio::test]
async fn an_export_is_narrowed_like_its_list() {
    let shop = Shop::with_licenses(NOW).await;
    let (own, other) = (shop.account(0).await, shop.account(0).await);
    let key = shop.key_of(&own).await;
    for account in [&own, &other] {
        shop.grants(account, "dr", 1, 1).await;
        shop.assigns(account, "web-1").await;
    }

    for path in ["/v1/licenses.csv", "/v1/assignments.csv"] {
        let sheet = shop.get_as(&key, path).await.is(200);
        let owners: Vec<_> = rows(&sheet.text)[1..].iter().map(|row| row[1].to_owned()).collect();
        assert_eq!(owners, std::slice::from_ref(&own), "{path}");
        shop.get_as(&key, &format!("{path}?account_id={other}")).await.refused(404, "not_found");
        shop.get(&format!("{path}?limit=10")).await.invalid_at(&["/limit"]);
    }
    assert_eq!(rows(&shop.get("/v1/assignments.csv?host=web-2").await.is(200).text).len(), 1);
}
