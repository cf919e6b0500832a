//! A caller of the API.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Request;

/// Moving the clock over months of a busy site takes a while in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

/// One API key and its connections.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    key: String,
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) is_replay: bool,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self { agent: config.build().into(), base: base.to_owned(), key: key.to_owned() }
    }

    /// The same server, another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same key, another server.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The address of the server, `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request. An error means that no whole answer came.
    pub(crate) fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header("authorization", format!("Bearer {}", self.key));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let sent = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string());
                self.agent.run(request.expect("a request"))
            }
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut response = sent?;
        let (status, text) = (response.status().as_u16(), response.body_mut().read_to_string()?);
        let is_replay = response.headers().contains_key("idempotency-replayed");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, is_replay, body })
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>, idempotency_key: Option<&str>) -> Answer {
        let answer = self.try_call(method, path, body, idempotency_key);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body), None)
    }

    pub(crate) fn post_as(&self, idempotency_key: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body), Some(idempotency_key))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body), None)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body), None)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None, None)
    }

    /// All rows of a list, page by page.
    pub(crate) fn list<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{separator}limit=100{cursor}")).expect(200);
            rows.extend(serde_json::from_value::<Vec<T>>(page["data"].clone()).expect("rows of the kind"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The same as a value.
    #[track_caller]
    pub(crate) fn read<T: DeserializeOwned>(self, status: u16) -> T {
        let body = self.expect(status);
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// The id in the body of an answer with this status.
    #[track_caller]
    pub(crate) fn id(self, status: u16) -> String {
        let body = self.expect(status);
        body["id"].as_str().unwrap_or_else(|| panic!("no id: {body}")).to_owned()
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or("no code"))
    }
}
