//! What the API says, as far as the tests look at it.

use domain::time::Instant;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) trigger: String,
    pub(crate) amount: i64,
    pub(crate) resource_id: Option<String>,
    pub(crate) license_id: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) start: Option<Instant>,
    pub(crate) end: Option<Instant>,
    pub(crate) created_at: Instant,
    pub(crate) superseded_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Line {
    pub(crate) description: String,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) plan: String,
    pub(crate) terms: u32,
    pub(crate) configuration: Value,
    pub(crate) state: String,
    pub(crate) in_arrears: bool,
    pub(crate) auto_renew: bool,
    pub(crate) expires_at: Instant,
    pub(crate) next_attempt_at: Option<Instant>,
    pub(crate) suspend_at: Option<Instant>,
    pub(crate) release_at: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) at: Instant,
    pub(crate) outcome: String,
    pub(crate) price: Option<i64>,
    pub(crate) available: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Balance {
    pub(crate) cash: i64,
    pub(crate) gift: i64,
    pub(crate) credit_limit: i64,
    pub(crate) frozen: i64,
    pub(crate) available: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) amount: i64,
    pub(crate) order_id: Option<String>,
    pub(crate) balance_after: i64,
    pub(crate) reference: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) at: Instant,
    pub(crate) subject_id: String,
    pub(crate) data: Value,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Forecast {
    pub(crate) total: i64,
    pub(crate) balance_runs_out_at: Option<Instant>,
    pub(crate) items: Vec<ForecastItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct ForecastItem {
    pub(crate) at: Instant,
    pub(crate) resource_id: String,
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Preview {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) amount: i64,
    pub(crate) lines: Vec<Line>,
}
