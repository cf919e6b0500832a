//! What a host may do now: the question that the customer's software asks all the time.
//!
//! It is only read, so a repeat is a new answer, and an idempotency key has nothing to keep.

use axum::Json;
use axum::extract::State;
use domain::id::{AccountId, LicenseId};
use domain::label::Host;
use engine::{Caller, Engine, Validated};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Body;
use super::caller::account;
use super::fault::Faults;
use super::problem::Problem;
use super::wire::{Operation, Timestamp, VerdictCode};
use super::{App, path};

const TAG: &str = "Validation";
const NONCE_LENGTH_MIN: usize = 8;
const NONCE_LENGTH_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(validate))
}

/// The question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// About which account. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// About which host; default about the account as a whole.
    #[schema(min_length = 1, max_length = 255, example = "10.0.0.7")]
    host: Option<String>,
    /// Drawn at random for this question, so that an old answer is none: visible ASCII characters.
    #[schema(min_length = 8, max_length = 200, example = "9f86d081884c7d65")]
    nonce: String,
}

impl Question {
    fn parse(self, caller: Caller) -> Result<(AccountId, Option<Host>, String), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let host = faults.parse_opt("/host", self.host.as_deref());
        if !is_nonce(&self.nonce) {
            let words = format!("must be {NONCE_LENGTH_MIN} to {NONCE_LENGTH_MAX} visible ASCII characters");
            faults.add("/nonce", words);
        }
        faults.finish(|| Some((account_id?, host?, self.nonce)))
    }
}

fn is_nonce(text: &str) -> bool {
    (NONCE_LENGTH_MIN..=NONCE_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The answer, and the same signed.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    /// In a word.
    code: VerdictCode,
    /// What may be done.
    allowed: Vec<Operation>,
    /// Until when nothing of it changes by time alone.
    #[schema(required)]
    until: Option<Timestamp>,
    /// Whether it can be relied on. False: a renewal may be on its way, so ask again before acting on a loss of rights.
    conclusive: bool,
    /// The license of the host's unit.
    #[schema(value_type = Option<String>, required)]
    license_id: Option<LicenseId>,
    /// The number of the host's unit, from 1.
    #[schema(required)]
    unit: Option<u32>,
    /// When it was answered.
    at: Timestamp,
    /// Until when the statement may be used.
    expires_at: Timestamp,
    /// All of this for this nonce, signed: a compact JWS.
    statement: String,
    /// The certificate of the key that signed it, from the root key that products pin: a compact JWS.
    certificate: String,
}

impl From<Validated> for Verdict {
    fn from(Validated { verdict, statement, certificate, at, expires_at }: Validated) -> Self {
        Self {
            code: verdict.code.into(),
            allowed: verdict.allowed.into_iter().map(Into::into).collect(),
            until: verdict.until.map(Into::into),
            conclusive: verdict.conclusive,
            license_id: verdict.unit.map(|unit| unit.license_id),
            unit: verdict.unit.map(|unit| unit.number),
            at: at.into(),
            expires_at: expires_at.into(),
            statement,
            certificate,
        }
    }
}

/// Ask what a host may do
///
/// Or an account as a whole. Changes nothing; the answer is of this moment, whatever `Idempotency-Key` says. A takeover in
/// a disaster is always allowed (L-7).
#[utoipa::path(
    post, path = path::VALIDATE, tag = TAG, operation_id = "validate", request_body = Question,
    responses(
        (status = 200, description = "The answer.", body = Verdict),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`"),
        (status = 503, description = "`signing_unavailable`: the site has no usable signing key."),
    ),
)]
async fn validate(State(engine): State<Engine>, question: Body<Question>) -> Result<Json<Verdict>, Problem> {
    let (account_id, host, nonce) = question.body.parse(question.caller)?;
    Ok(Json(engine.validate(question.caller, account_id, host, nonce).await?.into()))
}
