//! Lists have pages; filters narrow them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::shop::Shop;

const NOW: &str = "2025-05-08T02:00:00Z";

/// All rows of a list, page by page, and the number of pages.
async fn pages(shop: &Shop, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut n_pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = shop.get(&format!("{path}{cursor}")).await.is(200);
        rows.extend(page.json["data"].as_array().expect("a list").clone());
        n_pages += 1;
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (rows, n_pages),
        }
    }
}

fn ids(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn every_list_gives_each_row_once_and_oldest_first() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(100_000).await;
    let mut bought = Vec::new();
    for _ in 0..3 {
        bought.push(shop.buys(&account, "thirty").await);
    }

    let (orders, n_pages) = pages(&shop, &format!("/v1/orders?account_id={account}&limit=2")).await;
    assert_eq!((ids(&orders, "resource_id"), n_pages), (bought.clone(), 2));
    let (resources, n_pages) = pages(&shop, "/v1/resources?limit=1").await;
    assert_eq!((ids(&resources, "id"), n_pages), (bought, 3));
    let (transactions, _) = pages(&shop, &format!("/v1/accounts/{account}/transactions?limit=3")).await;
    let amounts: Vec<_> = transactions.iter().map(|row| row["amount"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [100_000, -12_000, -12_000, -12_000]);
    let (events, _) = pages(&shop, "/v1/events?limit=2").await;
    let unique: BTreeSet<_> = ids(&events, "id").into_iter().collect();
    assert_eq!((unique.len(), events.len()), (6, 6));
    let (products, _) = pages(&shop, "/v1/products?limit=1").await;
    assert_eq!(ids(&products, "code"), ["uhost"]);
    let (accounts, _) = pages(&shop, "/v1/accounts?limit=1").await;
    assert_eq!(ids(&accounts, "id"), [account]);
}

#[tokio::test]
async fn a_full_last_page_has_no_next() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(100_000).await;
    shop.buys(&account, "thirty").await;
    shop.buys(&account, "thirty").await;

    let (orders, n_pages) = pages(&shop, "/v1/orders?limit=2").await;
    assert_eq!((orders.len(), n_pages), (2, 1));
}

#[tokio::test]
async fn products_come_by_code() {
    let shop = Shop::at(NOW).await;
    for code in ["ip", "disk", "zone"] {
        shop.put(&format!("/v1/products/{code}"), json!({"name": code, "kind": "resource"})).await.is(200);
    }

    let (products, n_pages) = pages(&shop, "/v1/products?limit=3").await;
    assert_eq!(ids(&products, "code"), ["disk", "ip", "uhost", "zone"]);
    assert_eq!(n_pages, 2);
}

#[tokio::test]
async fn resources_are_found_by_what_they_are() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(100_000).await;
    let monthly = shop.buys(&account, "monthly").await;
    let body = json!({"account_id": account, "product": "uhost", "plan": "hourly", "pay_with": "wallet",
        "configuration": {"name": "web-7"}, "auto_renew": false});
    let hourly = shop.post("/v1/orders", body).await.is(201).text_at("/resource_id").to_owned();
    let found = async |query: &str| ids(&pages(&shop, &format!("/v1/resources?{query}")).await.0, "id");

    assert_eq!(found("auto_renew=true").await, std::slice::from_ref(&monthly));
    assert_eq!(found("q=web-7").await, std::slice::from_ref(&hourly));
    assert_eq!(found("expires_before=2025-05-08T03:00:01Z").await, std::slice::from_ref(&hourly));
    assert_eq!(found("expires_before=2025-05-08T03:00:00Z").await, Vec::<String>::new());
    assert_eq!(found("state=active&product=uhost").await, [monthly, hourly]);
    assert_eq!(found("state=expired").await, Vec::<String>::new());
}

#[tokio::test]
async fn orders_and_events_are_found_by_what_they_are() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(12_000).await;
    let resource = shop.buys(&account, "thirty").await;
    shop.advance("2025-06-08T02:00:00Z").await;

    let (arrears, _) = pages(&shop, &format!("/v1/orders?resource_id={resource}&kind=arrears&state=unpaid")).await;
    assert_eq!(ids(&arrears, "kind"), ["arrears"]);
    let (postponed, _) = pages(&shop, "/v1/events?type=renewal.postponed").await;
    assert_eq!(ids(&postponed, "subject_id"), [resource.clone(), resource.clone()]);
    let (rest, _) =
        pages(&shop, &format!("/v1/events?type=renewal.postponed&after={}", ids(&postponed, "id")[0])).await;
    assert_eq!(ids(&rest, "id"), ids(&postponed, "id")[1..]);
    let (attempts, _) = pages(&shop, &format!("/v1/resources/{resource}/attempts?limit=1")).await;
    assert_eq!(ids(&attempts, "outcome"), ["insufficient_balance", "insufficient_balance"]);
}

#[tokio::test]
async fn every_list_of_licenses_and_their_units_has_pages() {
    let shop = Shop::with_licenses(NOW).await;
    let account = shop.account(0).await;
    let mut made: [Vec<String>; 5] = Default::default();
    for number in 0..3 {
        let host = format!("web-{number}");
        let job = json!({"account_id": account, "host": host, "job_id": host});
        let installation = json!({"account_id": account, "name": host,
            "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let code = json!({"kind": "dr", "quantity": 1, "term": {"unit": "month", "count": 1}});
        made[0].push(shop.grants(&account, ["dr", "failback", "dr"][number], 3, 3).await);
        made[1].push(shop.assigns(&account, &host).await);
        if number > 0 {
            made[2].push(shop.post("/v1/failbacks", job).await.is(201).id());
        }
        made[3].push(shop.post("/v1/installations", installation).await.is(201).id());
        made[4].push(shop.post("/v1/activation-codes", code).await.is(201).id());
    }
    let lists = [
        format!("/v1/licenses?account_id={account}&limit=2"),
        format!("/v1/assignments?account_id={account}&limit=2"),
        format!("/v1/failbacks?account_id={account}&limit=1"),
        format!("/v1/installations?account_id={account}&limit=2"),
        "/v1/activation-codes?limit=2".to_owned(),
    ];

    for (list, made) in lists.iter().zip(&made) {
        let (rows, n_pages) = pages(&shop, list).await;
        assert_eq!((&ids(&rows, "id"), n_pages), (made, 2), "{list}");
    }
    let (history, n_pages) = pages(&shop, &format!("/v1/licenses/{}/allocations?limit=2", made[0][0])).await;
    assert_eq!((ids(&history, "user"), n_pages), (vec!["web-0".into(), "web-1".into(), "web-2".into()], 2));
}
