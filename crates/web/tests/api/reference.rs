//! The reference: the OpenAPI document, its snapshot, the pages, and the error codes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::shop::{Call, Shop};

const NOW: &str = "2025-05-08T02:00:00Z";

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn document() -> Value {
    serde_json::to_value(web::openapi()).expect("plain data")
}

#[test]
fn the_openapi_document_is_what_the_repository_says() {
    let text = serde_json::to_string_pretty(&web::openapi()).unwrap() + "\n";
    let stored = std::fs::read_to_string(repository("docs/reference/openapi.json")).unwrap_or_default();

    assert!(text == stored, "docs/reference/openapi.json is not the API of this code: run `cargo xtask openapi`");
}

#[test]
fn the_openapi_document_is_3_1_and_names_every_operation_once() {
    let document = document();

    assert_eq!(document["openapi"], "3.1.0");
    let ids: Vec<_> =
        operations(&document).into_iter().map(|(_, _, operation)| operation["operationId"].clone()).collect();
    let unique: BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(unique.len(), ids.len());
    assert!(operations(&document).iter().all(|(_, _, operation)| operation["summary"].is_string()));
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document = document();
    let text = document.to_string();

    let dangling: BTreeSet<_> = text
        .split("\"#/components/schemas/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| document["components"]["schemas"].get(*name).is_none())
        .collect();
    assert_eq!(dangling, BTreeSet::new());
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of = |(url, item): (&String, &Value)| {
        let methods = item.as_object().expect("methods").clone();
        let url = url.clone();
        methods.into_iter().map(move |(method, operation)| (url.clone(), method.to_uppercase(), operation))
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn nothing_below_v1_answers_without_a_key() {
    let shop = Shop::at(NOW).await;
    let mut calls = 0;

    for (url, method, operation) in operations(&document()) {
        if url.starts_with("/v1/") && url != "/v1/webhooks/stripe" {
            let path = url.replace(['{', '}'], "");
            assert!(operation["security"][0].get("bearer").is_some(), "{method} {url} names no security");
            assert!(operation["responses"].get("401").is_some(), "{method} {url} names no 401");
            shop.call(&method, &path, Call::default()).await.refused(401, "unauthorized");
            shop.call(&method, &path, Call::with_key("pk_unknown")).await.refused(401, "unauthorized");
            calls += 1;
        }
    }
    assert!(calls > 20);
}

#[tokio::test]
async fn an_unknown_key_is_told_how_to_authenticate() {
    let shop = Shop::at(NOW).await;

    let reply = shop.call("GET", "/v1/products", Call::default()).await.is(401);
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    shop.call("GET", "/v1/products", Call::default().header("authorization", "Basic b3A6b3A=")).await.is(401);
}

#[test]
fn every_error_code_is_explained() {
    let explained = std::fs::read_to_string(repository("docs/reference/errors.md")).unwrap();
    let engine = std::fs::read_to_string(repository("crates/engine/src/error.rs")).unwrap();
    let engine_codes = engine.split("(\"").skip(1).filter_map(|rest| rest.split_once("\", Class::"));
    let engine_codes = engine_codes.map(|(code, _)| code.to_owned()).filter(|code| !code.contains('"'));
    let codes: BTreeSet<_> = web::problem_codes().map(|(code, _)| code.to_owned()).chain(engine_codes).collect();

    let missing: Vec<_> = codes.iter().filter(|code| !explained.contains(&format!("<a id=\"{code}\"></a>"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert!(codes.contains("insufficient_balance") && codes.contains("malformed_json"));
}

#[test]
fn every_code_that_an_operation_names_is_explained() {
    let explained = std::fs::read_to_string(repository("docs/reference/errors.md")).unwrap();
    let mut missing = BTreeSet::new();

    for (url, method, operation) in operations(&document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let description = response["description"].as_str().unwrap();
            let codes = description.split('`').skip(1).step_by(2).filter(|_| status.starts_with(['4', '5']));
            let codes = codes.filter(|code| !["shortfall", "needs_at_least"].contains(code));
            let unexplained = codes.filter(|code| !explained.contains(&format!("`{code}` | {status} |")));
            missing.extend(unexplained.map(|code| format!("{method} {url}: {status} {code}")));
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

#[tokio::test]
async fn the_pages_need_nothing_from_elsewhere() {
    let shop = Shop::at(NOW).await;

    for page in ["/docs", "/docs/errors"] {
        let reply = shop.call("GET", page, Call::default()).await.is(200);
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
        assert!(!reply.text.contains("<script") && !reply.text.contains("style=") && !reply.text.contains("http://"));
    }
    let style = shop.call("GET", "/docs/style.css", Call::default()).await.is(200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_pages_show_every_operation_and_every_error() {
    let shop = Shop::at(NOW).await;
    let reference = shop.call("GET", "/docs", Call::default()).await.is(200).text;
    let errors = shop.call("GET", "/docs/errors", Call::default()).await.is(200).text;

    for (_, _, operation) in operations(&document()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(reference.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    for (code, _) in web::problem_codes() {
        assert!(errors.contains(&format!("<code id=\"{code}\">")), "{code}");
    }
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let shop = Shop::at(NOW).await;

    let served = shop.call("GET", "/openapi.json", Call::default()).await.is(200);
    assert_eq!(served.json, document());
}
