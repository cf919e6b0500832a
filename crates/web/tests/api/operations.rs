//! Health, numbers, headers, and what is true of every answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Request;
use engine::SiteClock;

use crate::shop::{Call, OPERATOR, Shop};

const NOW: &str = "2025-05-08T02:00:00Z";

#[tokio::test]
async fn a_process_says_that_it_lives_and_is_ready_to_whoever_asks() {
    let shop = Shop::at(NOW).await;
    shop.call("GET", "/healthz", Call::default()).await.is(200);
    shop.call("GET", "/readyz", Call::default()).await.is(200);
}

#[tokio::test]
async fn a_write_without_a_database_is_trouble_and_may_be_repeated() {
    let shop = Shop::at(NOW).await;
    let account = shop.account(0).await;
    shop.lose_the_database().await;

    let body = serde_json::json!({"amount": 100, "kind": "cash"});
    let reply = shop.post(&format!("/v1/accounts/{account}/credits"), body).await;
    let reply = reply.refused(503, "database_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
}

#[tokio::test]
async fn without_a_recorder_there_are_no_numbers() {
    let shop = Shop::at(NOW).await;
    shop.call("GET", "/metrics", Call::default()).await.refused(404, "not_found");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_url() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let options = web::Options { metrics: Some(recorder.handle()), ..web::Options::default() };
    let _guard = metrics::set_default_local_recorder(&recorder);
    let shop = Shop::empty(NOW, options).await;
    shop.get("/v1/products/nosuch").await.is(404);
    shop.get("/nowhere/at/all").await.is(404);

    let numbers = shop.call("GET", "/metrics", Call::default()).await.is(200);
    assert!(numbers.header("content-type").starts_with("text/plain"));
    let counted = |route: &str| {
        let line = format!("perennial_http_requests_total{{method=\"GET\",route=\"{route}\",status=\"4xx\"}} 1");
        numbers.text.contains(&line)
    };
    assert!(counted("/v1/products/{code}") && counted("unmatched"), "{}", numbers.text);
}

#[tokio::test]
async fn an_unknown_url_is_a_problem() {
    let shop = Shop::at(NOW).await;
    shop.get("/nowhere").await.refused(404, "not_found");
    shop.get("/v1/nowhere").await.refused(404, "not_found");
}

#[tokio::test]
async fn another_method_is_a_problem_that_names_the_right_ones() {
    let shop = Shop::at(NOW).await;
    let reply = shop.call("DELETE", "/v1/accounts", Call::with_key(OPERATOR)).await;
    let reply = reply.refused(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn answers_of_the_api_are_not_stored_and_not_guessed() {
    let shop = Shop::at(NOW).await;
    let reply = shop.get("/v1/products").await.is(200);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let shop = Shop::at(NOW).await;
    let kept = shop.call("GET", "/healthz", Call::default().header("x-request-id", "trace-7.a")).await;
    assert_eq!(kept.header("x-request-id"), "trace-7.a");
    let replaced = shop.call("GET", "/healthz", Call::default().header("x-request-id", "a b<c>")).await;
    assert_ne!(replaced.header("x-request-id"), "a b<c>");
    assert!(!replaced.header("x-request-id").is_empty());
}

#[tokio::test]
async fn what_takes_too_long_is_a_problem() {
    let options = web::Options { request_timeout: Duration::ZERO, ..web::Options::default() };
    let shop = Shop::empty(NOW, options).await;
    let stalled = |path: &str| {
        let request = Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {OPERATOR}"));
        request.body(Body::new(Stalled)).expect("a request")
    };

    let reply = shop.request(stalled("/v1/accounts")).await.refused(503, "timeout");
    assert_eq!(reply.header("retry-after"), "5");
    shop.advance("2025-05-09T02:00:00Z").await;
}

/// A body of which nothing ever arrives.
struct Stalled;

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let shop = Shop::at(NOW).await;
    let body = format!("{{\"name\": \"{}\"}}", "a".repeat(1024 * 1024));
    shop.send_text("POST", "/v1/accounts", body).await.refused(413, "body_too_large");
}

#[tokio::test]
async fn the_clock_moves_forward_only() {
    let shop = Shop::at(NOW).await;
    let move_to = |to: &str| serde_json::json!({ "to": to });

    shop.post("/v1/test-clock/advance", move_to("2025-05-09T02:00:00Z")).await.is(200);
    shop.post("/v1/test-clock/advance", move_to("2025-05-09T02:00:00Z")).await.is(200);
    shop.post("/v1/test-clock/advance", move_to(NOW)).await.refused(409, "clock_backwards");
    shop.post("/v1/test-clock/advance", move_to("tomorrow")).await.invalid_at(&["/to"]);
    let now = shop.get("/v1/test-clock").await.is(200);
    assert_eq!(now.json["now"], "2025-05-09T02:00:00Z");
}

#[tokio::test]
async fn on_real_time_there_is_no_test_clock() {
    let shop = Shop::with_clock(SiteClock::System, web::Options::default()).await;
    shop.get("/v1/test-clock").await.refused(404, "not_found");
    let to = serde_json::json!({"to": "2099-05-09T02:00:00Z"});
    shop.post("/v1/test-clock/advance", to).await.refused(404, "not_found");
}
