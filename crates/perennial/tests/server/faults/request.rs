//! Requests that make no sense: each is refused, none breaks or changes anything.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{OPERATOR_KEY, TestSite};

/// A site in which there is something to break.
struct Target {
    site: TestSite,
    account: String,
    resource: String,
}

impl Target {
    fn new() -> Self {
        let site = TestSite::at("2025-05-01 00:00:00");
        site.sells("uhost/monthly", "1 month", 12_000);
        let account = site.customer(1_000_000);
        let resource = site.buys(&account, "uhost/monthly");
        Self { site, account, resource }
    }

    /// Everything that a caller can see.
    fn everything(&self) -> [Vec<Value>; 6] {
        [
            "/v1/accounts".to_owned(),
            format!("/v1/accounts/{}/transactions", self.account),
            "/v1/products".to_owned(),
            "/v1/orders".to_owned(),
            "/v1/resources".to_owned(),
            "/v1/events".to_owned(),
        ]
        .map(|path| self.site.operator.list(&path))
    }

    /// Sends bytes, and no more will come. Gives the status of the answer; `None` when there was none.
    fn send(&self, bytes: &[u8]) -> Option<u16> {
        self.exchange(bytes, true)
    }

    /// A caller who hangs up is not answered, so after a whole request the caller waits.
    fn exchange(&self, bytes: &[u8], hangs_up: bool) -> Option<u16> {
        let address = self.site.operator.base().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        // The server may refuse before it has read everything.
        drop(stream.write_all(bytes));
        if hangs_up {
            drop(stream.shutdown(Shutdown::Write));
        }
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let status = answer.strip_prefix(b"HTTP/1.1 ").or_else(|| answer.strip_prefix(b"HTTP/1.0 "))?;
        str::from_utf8(status.get(..3)?).ok()?.parse().ok()
    }

    /// A whole request with a body.
    fn body(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Option<u16> {
        let (path, body) = (self.fill(path), body.as_ref());
        let head = format!("{}content-length: {}\r\n\r\n", head(method, &path), body.len());
        self.exchange(&[head.as_bytes(), body].concat(), false)
    }

    /// `{account}` and `{resource}` stand for ids.
    fn fill(&self, text: &str) -> String {
        text.replace("{account}", &self.account).replace("{resource}", &self.resource)
    }

    /// None of these is done, and nothing is different afterwards.
    fn check(&self, sent: impl IntoIterator<Item = (String, Option<u16>)>, before: &[Vec<Value>; 6]) {
        for (name, status) in sent {
            assert!(status.is_none_or(|status| (400..500).contains(&status)), "{name}: {status:?}");
        }
        assert!(&self.everything() == before, "something was changed");
        self.site.verify();
    }
}

fn head(method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: site\r\nconnection: close\r\nauthorization: Bearer {OPERATOR_KEY}\r\n\
         content-type: application/json\r\n"
    )
}

#[test]
fn bytes_that_are_not_http_are_refused() {
    let target = Target::new();
    let before = target.everything();
    let long = "x".repeat(2_000_000);
    let auth = format!("authorization: Bearer {OPERATOR_KEY}\r\n");
    let requests: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("zeros", vec![0; 4_096]),
        ("high bytes", vec![0xff; 4_096]),
        ("a TLS hello", vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
        ("a preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("only line ends", b"\r\n".repeat(1_000)),
        ("no version", b"GET /v1/accounts\r\n\r\n".to_vec()),
        ("another version", b"GET /v1/accounts HTTP/7.3\r\nhost: site\r\n\r\n".to_vec()),
        ("half a head", format!("POST /v1/accounts HTTP/1.1\r\nhost: site\r\n{auth}").into_bytes()),
        ("a long line", format!("GET /{long} HTTP/1.1\r\nhost: site\r\n\r\n").into_bytes()),
        ("a long header", format!("GET /v1/accounts HTTP/1.1\r\nhost: site\r\nx: {long}\r\n\r\n").into_bytes()),
        ("very many headers", format!("GET /v1/x HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(5_000)).into_bytes()),
        ("a header without a name", b"GET /v1/x HTTP/1.1\r\n: y\r\n\r\n".to_vec()),
        ("a NUL in a header", b"GET /v1/x HTTP/1.1\r\nhost: a\0b\r\n\r\n".to_vec()),
        ("a NUL in the path", b"GET /v1/accounts/\0 HTTP/1.1\r\nhost: site\r\n\r\n".to_vec()),
        ("bytes in the path", b"GET /v1/accounts/\xff\xfe HTTP/1.1\r\nhost: site\r\n\r\n".to_vec()),
        ("a space in the path", b"GET /v1/accounts/a b HTTP/1.1\r\nhost: site\r\n\r\n".to_vec()),
        ("an unknown method", b"BREW /v1/accounts HTTP/1.1\r\nhost: site\r\n\r\n".to_vec()),
        ("a tunnel", b"CONNECT site:443 HTTP/1.1\r\nhost: site:443\r\n\r\n".to_vec()),
        ("the asterisk", b"OPTIONS * HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n".to_vec()),
        ("two lengths", with_head("content-length: 2\r\ncontent-length: 3\r\n", "{}")),
        ("a negative length", with_head("content-length: -1\r\n", "{}")),
        ("a length without end", with_head("content-length: 99999999999999999999999\r\n", "{}")),
        ("length and chunks", with_head("content-length: 2\r\ntransfer-encoding: chunked\r\n", "zz\r\n{}")),
        ("chunks without size", with_head("transfer-encoding: chunked\r\n", "no size\r\n{}\r\n0\r\n\r\n")),
        ("a huge chunk", with_head("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\n{}")),
        ("chunks that stop", with_head("transfer-encoding: chunked\r\n", "5\r\n{\"na")),
        ("an unknown encoding", with_head("transfer-encoding: gzip\r\n", "{}")),
        ("half a body", with_head("content-length: 100\r\n", "{\"name\": \"Mei\"")),
        ("a body of 2 MB", with_head("content-length: 2000000\r\n", &long)),
        ("2 MB in chunks", with_head("transfer-encoding: chunked\r\n", &format!("1e8480\r\n{long}\r\n0\r\n\r\n"))),
    ];

    let sent = requests.into_iter().map(|(name, bytes)| (name.to_owned(), target.send(&bytes)));

    target.check(sent.collect::<Vec<_>>(), &before);
}

/// A request to open an account, with these headers and body.
fn with_head(headers: &str, body: &str) -> Vec<u8> {
    format!("{}{headers}\r\n{body}", head("POST", "/v1/accounts")).into_bytes()
}

#[test]
fn paths_headers_and_queries_that_make_no_sense_are_refused() {
    let target = Target::new();
    let before = target.everything();
    let gets = [
        "/v1/accounts/%00",
        "/v1/accounts/%ff%fe",
        "/v1/accounts/%",
        "/v1/accounts/%zz",
        "/v1/accounts/..%2f..%2fetc",
        "/v1/accounts/acc_",
        "/v1/accounts/acc_00000000000000000000000000",
        "/v1/accounts/acc_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "/v1/accounts/{resource}",
        "/v1/resources/{account}",
        "/v1/resources/{resource}%20",
        "/v1/resources/auto-renew",
        "/v1/accounts?limit=0",
        "/v1/accounts?limit=101",
        "/v1/accounts?limit=-1",
        "/v1/accounts?limit=1e2",
        "/v1/accounts?limit=99999999999999999999",
        "/v1/accounts?limit=5&limit=6",
        "/v1/accounts?cursor=",
        "/v1/accounts?cursor=1zz",
        "/v1/accounts?cursor=1%f0%9f%92%a5",
        "/v1/accounts?cursor=9",
        "/v1/accounts?what=1",
        "/v1/accounts?%ff=1",
        "/v1/orders?state=paid",
        "/v1/orders?account_id=%00",
        "/v1/orders?resource_id=nobody",
        "/v1/resources?expires_before=tomorrow",
        "/v1/resources?expires_before=9999-12-31T23:59:59Z",
        "/v1/resources?auto_renew=maybe",
        "/v1/resources?q=%00",
        "/v1/resources?q=",
        "/v1/events?type=party",
        "/v1/events?after=x",
        "/v1/events?after=evt_0&cursor=1",
        "/v1/accounts/{account}/forecast?days=0",
        "/v1/accounts/{account}/forecast?days=367",
        "/v1/accounts/{account}/forecast?days=-1",
        "/v1/products/%20",
        "/v1/products/a%2fb",
        "/v1/test-clock/advance",
        "/v1/",
        "/v1",
        "/nothing",
        "//",
        "/%",
    ];
    let keys = ["", "two words", "\u{e9}", &"k".repeat(256), "tab\tkey"];

    let read = gets.into_iter().map(|path| (path.to_owned(), target.body("GET", path, "")));
    let methods = ["PUT", "TRACE", "PATCH", "get"];
    let called = methods.into_iter().map(|method| (method.to_owned(), target.body(method, "/v1/accounts", "{}")));
    let keyed = keys.into_iter().map(|key| (format!("key {key:?}"), target.send(&with_key(key))));
    let strangers = ["", "Bearer", "Bearer ", "Basic b3A6b3A=", "Bearer \u{e9}", "Bearer pk_0", "bearer  x"];
    let unknown = strangers.into_iter().map(|who| (format!("as {who:?}"), target.send(&as_stranger(who))));

    target.check(read.chain(called).chain(keyed).chain(unknown).collect::<Vec<_>>(), &before);
}

/// An account that could be opened, but for its idempotency key.
fn with_key(key: &str) -> Vec<u8> {
    let body = r#"{"name":"Bo","email":"bo@example.com","currency":"CNY"}"#;
    with_head(&format!("idempotency-key: {key}\r\ncontent-length: {}\r\n", body.len()), body)
}

fn as_stranger(authorization: &str) -> Vec<u8> {
    format!("GET /v1/accounts HTTP/1.1\r\nhost: site\r\nconnection: close\r\nauthorization: {authorization}\r\n\r\n")
        .into_bytes()
}

#[test]
fn bodies_that_make_no_sense_are_refused() {
    let target = Target::new();
    let before = target.everything();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let open = "/v1/accounts";
    let texts = [
        "",
        " ",
        "null",
        "true",
        "7",
        "\"text\"",
        "[]",
        "{",
        "}",
        "{}",
        "{]",
        "nul",
        "{\"name\"}",
        "{'name': 'Mei'}",
        "\u{feff}{}",
        "{\"name\":\"a\",\"name\":\"b\",\"email\":\"a@b\",\"currency\":\"CNY\"}",
        r#"{"name":"\ud800","email":"a@b.c","currency":"CNY"}"#,
        r#"{"name":"\u0000","email":"a@b.c","currency":"CNY"}"#,
        r#"{"name":"a","email":"a@b.c","currency":"CNY","vip":true}"#,
        r#"{"name":"a","email":"a@b.c","currency":"XXQ"}"#,
        r#"{"name":"a","email":"nobody","currency":"CNY"}"#,
        r#"{"name":7,"email":"a@b.c","currency":"CNY"}"#,
        r#"{"name":null,"email":"a@b.c","currency":"CNY"}"#,
        r#"{"name":"","email":"a@b.c","currency":"CNY"}"#,
        r#"{"name":"a","email":"a@b.c","currency":"CNY","credit_limit":-1}"#,
        r#"{"name":"a","email":"a@b.c","currency":"CNY"} trailing"#,
        &deep,
        &deep_object,
    ];
    let bytes: [&[u8]; 4] = [b"\xff\xfe\x00", b"{\"name\":\"\xc3\x28\"}", b"\0", b"{\"name\":\"a\0b\"}"];

    let opened = texts.iter().map(|body| (shorten(body), target.body("POST", open, body)));
    let garbled = bytes.iter().map(|body| (format!("{body:?}"), target.body("POST", open, body)));
    let form = with_head("content-length: 8\r\n", "name=Mei");

    let sent = opened.chain(garbled).chain([("a form".to_owned(), target.send(&form))]);
    target.check(sent.collect::<Vec<_>>(), &before);
}

fn shorten(body: &str) -> String {
    body.chars().take(60).collect()
}

/// Numbers that no amount, quantity or number of terms can be.
const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "-1",
    "1.5",
    "0.1",
    "1e400",
    "-1e400",
    "1e-400",
    "1e3",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "1000000000000001",
    "4294967296",
    "99999999999999999999999999999999999999",
    "\"1\"",
    "null",
    "true",
    "[1]",
    "{}",
];

#[test]
fn numbers_that_make_no_sense_are_refused_wherever_a_number_is_expected() {
    let target = Target::new();
    let before = target.everything();
    let places = [
        ("POST", "/v1/accounts/{account}/credits", r#"{"kind":"cash","amount":N}"#),
        ("POST", "/v1/accounts/{account}/freezes", r#"{"reason":"x","amount":N}"#),
        (
            "POST",
            "/v1/orders",
            r#"{"account_id":"{account}","product":"uhost","plan":"monthly","pay_with":"wallet","quantity":N}"#,
        ),
        (
            "POST",
            "/v1/orders",
            r#"{"account_id":"{account}","product":"uhost","plan":"monthly","pay_with":"wallet","terms":N}"#,
        ),
        ("POST", "/v1/resources/{resource}/renewals", r#"{"terms":N}"#),
        ("POST", "/v1/resources/{resource}/renewals/preview", r#"{"terms":N}"#),
        ("POST", "/v1/resources/renewals", r#"{"items":N}"#),
        ("POST", "/v1/test-clock/advance", r#"{"to":N}"#),
        ("PATCH", "/v1/resources/{resource}", r#"{"auto_renew":N}"#),
        ("PUT", "/v1/products/uhost/plans/other", r#"{"unit":"month","count":N,"price":1,"currency":"CNY"}"#),
    ];
    // These are fine in one place, and are asked for elsewhere.
    let is_fine = |body: &str| {
        let optional = ["\"quantity\":null", "\"terms\":null", "\"auto_renew\":true", "\"cash\",\"amount\":4294967296"];
        optional.iter().any(|fine| body.contains(fine))
    };

    let bodies = places.iter().flat_map(|place| NUMBERS.map(|number| (place, place.2.replace('N', number))));
    let bad = bodies.filter(|(_, body)| !is_fine(body));
    let sent = bad.map(|((method, path, _), body)| {
        (format!("{method} {path} {body}"), target.body(method, path, target.fill(&body)))
    });

    target.check(sent.collect::<Vec<_>>(), &before);
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let target = Target::new();
    let before = target.everything();
    let nested = format!(r#"{{"configuration":{}1{},ORDER}}"#, "{\"a\":".repeat(2_000), "}".repeat(2_000));
    let large = format!(r#"{{"configuration":{{"a":"{}"}},ORDER}}"#, "x".repeat(17_000));
    let orders = [
        r#"{"configuration":[],ORDER}"#,
        r#"{"configuration":"x",ORDER}"#,
        r#"{"configuration":7,ORDER}"#,
        r#"{"configuration":{"a":1e400},ORDER}"#,
        &nested,
        &large,
        r#"{"until":"month_end","terms":1,ORDER}"#,
        r#"{"until":"year_end",ORDER}"#,
        r#"{"auto_renew":"yes",ORDER}"#,
        r#"{"consent":{},ORDER}"#,
        r#"{"consent":{"terms_version":""},ORDER}"#,
        r#"{"account_id":"{account}","product":"UHOST","plan":"monthly","pay_with":"wallet"}"#,
        r#"{"account_id":"{account}","product":"uhost","plan":"weekly","pay_with":"wallet"}"#,
        r#"{"account_id":"{account}","product":"uhost","plan":"monthly","pay_with":"shells"}"#,
        r#"{"account_id":"{resource}","product":"uhost","plan":"monthly","pay_with":"wallet"}"#,
        r#"{"product":"uhost","plan":"monthly","pay_with":"wallet"}"#,
    ];
    let order = r#""account_id":"{account}","product":"uhost","plan":"monthly","pay_with":"wallet""#;
    let puts = [
        ("/v1/products/two%20words", r#"{"name":"x","kind":"resource"}"#),
        ("/v1/products/%00", r#"{"name":"x","kind":"resource"}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"thing"}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"license"}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"resource","policy":{"window":"soon"}}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"resource","policy":{"suspend_after":"P1M"}}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"resource","policy":{"suspend_after":"P367D"}}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"resource","policy":{"release_after":"P2D","suspend_after":"P3D"}}"#),
        ("/v1/products/x", r#"{"name":"x","kind":"resource","policy":{"warn_before":"-PT1H"}}"#),
        ("/v1/products/uhost", r#"{"name":"x","kind":"license"}"#),
        ("/v1/products/none/plans/monthly", r#"{"unit":"month","count":1,"price":1,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/x", r#"{"unit":"fortnight","count":1,"price":1,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/x", r#"{"unit":"month","count":1201,"price":1,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/x", r#"{"unit":"month","count":1,"price":-1,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/x", r#"{"unit":"month","count":1,"price":1,"currency":"cny"}"#),
        ("/v1/products/uhost/plans/x", r#"{"unit":"month","count":1,"price":1e400,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/monthly", r#"{"unit":"year","count":1,"price":1,"currency":"CNY"}"#),
        ("/v1/products/uhost/plans/monthly", r#"{"unit":"month","count":1,"price":1,"currency":"USD"}"#),
        (
            "/v1/products/uhost/plans/monthly",
            r#"{"unit":"month","count":1,"price":1,"currency":"CNY","effective_from":"1969-12-31T23:59:59Z"}"#,
        ),
        (
            "/v1/products/uhost/plans/monthly",
            r#"{"unit":"month","count":1,"price":1,"currency":"CNY","renewals_from":"2025-13-01T00:00:00Z"}"#,
        ),
        (
            "/v1/products/uhost/plans/monthly",
            r#"{"unit":"month","count":1,"price":1,"currency":"CNY","renewals_from":"2030-01-01T00:00:00.5Z"}"#,
        ),
    ];
    let clocks =
        ["", "now", "2025-05-01", "2025-04-30T15:59:59Z", "9999-12-31T23:59:59Z", "-000001-01-01T00:00:00Z", "\\u0000"];

    let bought = orders
        .into_iter()
        .map(|body| (shorten(body), target.body("POST", "/v1/orders", target.fill(&body.replace("ORDER", order)))));
    let put = puts.into_iter().map(|(path, body)| (format!("{path} {body}"), target.body("PUT", path, body)));
    let moved = clocks.into_iter().map(|to| {
        (format!("to {to:?}"), target.body("POST", "/v1/test-clock/advance", format!("{{\"to\":\"{to}\"}}")))
    });

    target.check(bought.chain(put).chain(moved).collect::<Vec<_>>(), &before);
}
