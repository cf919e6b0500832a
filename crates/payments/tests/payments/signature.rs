//! Which notices are believed, and what they are about.

use std::time::Duration;

use domain::payment::PlatformName;
use domain::time::Instant;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use payments::{About, Notice, NoticeRefusal, Platform, Stripe, StripeOptions};
use sha2::Sha256;

const NOW: i64 = 1_800_000_000;
const PAYMENT: &str = "pay_01jwp0g2x4f5evk2v0v1x7q3zc";
const BODY: &str = r#"{"id":"evt_1","type":"checkout.session.completed","data":{"object":{"object":"checkout.session",
    "id":"cs_test_1","payment_intent":"pi_1","metadata":{"payment_id":"pay_01jwp0g2x4f5evk2v0v1x7q3zc"}}}}"#;

fn platform(secrets: &[&str]) -> Platform {
    let options = StripeOptions {
        name: PlatformName::Sandbox,
        secret_key: "sk_test_1".to_owned().into(),
        webhook_secrets: secrets.iter().map(|secret| (*secret).to_owned().into()).collect(),
        api_base: Some("http://127.0.0.1:1".to_owned()),
        timeout: Duration::from_secs(1),
    };
    Platform::Stripe(Stripe::new(options).unwrap())
}

fn signature(secret: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| ("stripe-signature".parse().unwrap(), HeaderValue::from_str(value).unwrap())).fold(
        HeaderMap::new(),
        |mut headers, (name, value): (http::HeaderName, _)| {
            headers.append(name, value);
            headers
        },
    )
}

fn read(secrets: &[&str], header: &str, body: &str) -> Result<Notice, NoticeRefusal> {
    platform(secrets).notice(&headers(&[header]), body.as_bytes(), Instant::from_seconds(NOW).unwrap())
}

fn signed(at: i64, body: &str) -> String {
    format!("t={at},v1={}", signature("whsec_a", at, body))
}

fn about(object: &str) -> Option<About> {
    let body = format!(r#"{{"id":"evt_1","type":"any","data":{{"object":{object}}}}}"#);
    read(&["whsec_a"], &signed(NOW, &body), &body).unwrap().about
}

#[test]
fn a_signed_notice_says_where_to_look() {
    let notice = read(&["whsec_a"], &signed(NOW, BODY), BODY).unwrap();

    let about =
        About { payment_id: Some(PAYMENT.parse().unwrap()), reference: Some("cs_test_1".to_owned()), movement: None };
    let kind = "checkout.session.completed".to_owned();
    assert_eq!(notice, Notice { id: "evt_1".to_owned(), kind, about: Some(about) });
}

#[test]
fn one_good_signature_among_several_suffices() {
    let header = format!("t={NOW},v1={},v1={},v0=00", "0".repeat(64), signature("whsec_a", NOW, BODY));
    assert!(read(&["whsec_a"], &header, BODY).is_ok());
}

#[test]
fn while_a_secret_is_replaced_both_are_believed() {
    assert!(read(&["whsec_new", "whsec_a"], &signed(NOW, BODY), BODY).is_ok());
    assert!(read(&["whsec_a", "whsec_new"], &signed(NOW, BODY), BODY).is_ok());
}

#[test]
fn the_wrong_secret_or_a_changed_body_or_time_is_not_believed() {
    let other_time = format!("t={},v1={}", NOW - 1, signature("whsec_a", NOW, BODY));
    let results = [
        read(&["whsec_b"], &signed(NOW, BODY), BODY),
        read(&["whsec_a"], &signed(NOW, BODY), &BODY.replace("cs_test_1", "cs_test_2")),
        read(&["whsec_a"], &other_time, BODY),
    ];
    assert_eq!(results, [const { Err(NoticeRefusal::WrongSignature) }; 3]);
}

#[test]
fn a_signature_is_good_for_300_seconds_and_never_of_the_future() {
    let at = |at| read(&["whsec_a"], &signed(at, BODY), BODY).map(|notice| notice.id);
    assert_eq!(at(NOW - 300), Ok("evt_1".to_owned()));
    assert_eq!(at(NOW - 301), Err(NoticeRefusal::NotOfThisTime));
    assert_eq!(at(NOW + 1), Err(NoticeRefusal::NotOfThisTime));
    assert_eq!(at(i64::MAX), Err(NoticeRefusal::NotOfThisTime));
}

#[test]
fn a_missing_repeated_or_malformed_signature_is_none() {
    let good = signature("whsec_a", NOW, BODY);
    let malformed = [
        String::new(),
        "nonsense".to_owned(),
        format!("t={NOW}"),
        format!("v1={good}"),
        format!("t=,v1={good}"),
        format!("t=-1,v1={good}"),
        format!("t=99999999999999999999,v1={good}"),
        format!("t={NOW},t={NOW},v1={good}"),
        format!("t={NOW},v1=zz{}", &good[2..]),
        format!("t={NOW},v1={}", &good[2..]),
        format!("t={NOW}{}", format!(",v1={good}").repeat(17)),
    ];
    let refusals: Vec<_> = malformed.iter().map(|header| read(&["whsec_a"], header, BODY).unwrap_err()).collect();
    assert_eq!(refusals, [NoticeRefusal::NoSignature; 11]);

    let now = Instant::from_seconds(NOW).unwrap();
    let line = signed(NOW, BODY);
    let none = platform(&["whsec_a"]).notice(&HeaderMap::new(), BODY.as_bytes(), now);
    let two = platform(&["whsec_a"]).notice(&headers(&[&line, &line]), BODY.as_bytes(), now);
    assert_eq!((none, two), (Err(NoticeRefusal::NoSignature), Err(NoticeRefusal::NoSignature)));
}

#[test]
fn without_a_secret_nothing_is_believed() {
    assert_eq!(read(&[], &signed(NOW, BODY), BODY), Err(NoticeRefusal::NoSecret));
}

#[test]
fn a_signed_body_that_is_no_notice_is_unreadable() {
    let bodies = ["", "null", "{}", r#"{"id":"evt_1","type":"a"}"#, "{\"id\":\"evt_1\""];
    let refusals: Vec<_> =
        bodies.iter().map(|body| read(&["whsec_a"], &signed(NOW, body), body).unwrap_err()).collect();
    assert_eq!(refusals, [NoticeRefusal::Unreadable; 5]);
}

#[test]
fn a_notice_of_money_names_the_movement() {
    let of = |payment_id: Option<&str>, movement: &str| {
        let payment_id = payment_id.map(|id| id.parse().unwrap());
        Some(About { payment_id, reference: None, movement: Some(movement.to_owned()) })
    };
    let intent = format!(r#"{{"object":"payment_intent","id":"pi_1","metadata":{{"payment_id":"{PAYMENT}"}}}}"#);
    assert_eq!(about(&intent), of(Some(PAYMENT), "pi_1"));
    assert_eq!(about(r#"{"object":"charge","id":"ch_1","payment_intent":"pi_1","metadata":{}}"#), of(None, "pi_1"));
    assert_eq!(about(r#"{"object":"dispute","id":"du_1","payment_intent":{"id":"pi_1"}}"#), of(None, "pi_1"));
    assert_eq!(about(r#"{"object":"refund","id":"re_1","payment_intent":"pi_1","metadata":null}"#), of(None, "pi_1"));
}

#[test]
fn a_notice_of_something_else_is_about_nothing() {
    assert_eq!(about(r#"{"object":"customer","id":"cus_1"}"#), None);
    assert_eq!(about(r#"{"object":"charge","id":"ch_1","payment_intent":null}"#), None);
    assert_eq!(about("{}"), None);
}
