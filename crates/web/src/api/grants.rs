//! What the operator does to licenses: gives, suspends, reinstates and revokes them (L-4, B-5).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::activation::{Grant, Intervention};
use domain::id::{AccountId, LicenseId};
use domain::license::FAILBACK_TERM;
use engine::{Caller, Engine};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::account;
use super::fault::Faults;
use super::idempotency::answer;
use super::licenses::License;
use super::problem::Problem;
use super::query::Place;
use super::wire::{LicenseKind, NewTerm, count};
use super::{App, path};

const TAG: &str = "Licenses";
const REASON_LENGTH_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(grant))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
        .routes(routes!(revoke))
}

/// A license to give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLicense {
    /// Who gets it.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// What it is for.
    kind: LicenseKind,
    /// How many units.
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
    /// For how long, from now on; a failback license lasts 3 months when nothing is said (L-4).
    term: Option<NewTerm>,
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "proof of concept")]
    reason: Option<String>,
}

impl NewLicense {
    fn parse(self, caller: Caller) -> Result<(AccountId, Grant, Option<String>), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let reason = self.reason.and_then(|reason| faults.text("/reason", reason, REASON_LENGTH_MAX));
        let term = match (&self.term, self.kind) {
            (Some(term), _) => Some(term.into()),
            (None, LicenseKind::Failback) => Some(FAILBACK_TERM),
            (None, LicenseKind::Dr) => {
                faults.add("/term", "must say for how long");
                None
            }
        };
        let (kind, quantity) = (self.kind.into(), count(self.quantity));
        faults.finish(|| Some((account_id?, Grant { kind, quantity, term: term? }, reason)))
    }
}

/// Give a license
///
/// Operator key. Without a purchase, for any term (L-4): source `grant`. It takes effect at once, brings no bonus and does
/// not renew.
#[utoipa::path(
    post, path = path::LICENSES, tag = TAG, operation_id = "grant_license", request_body = NewLicense,
    responses(
        (status = 201, description = "The license.", body = License),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_quantity`, `invalid_term`, `idempotency_key_reused`, \
                           `invalid_idempotency_key`",
        ),
    ),
)]
async fn grant(State(engine): State<Engine>, write: Write<NewLicense>) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let (account_id, grant, reason) = write.body.parse(write.caller)?;
    let granted = engine.grant(write.caller, account_id, (grant, reason), write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, granted.map(License::from)))
}

/// Why the operator does it. It is kept and shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// The reason.
    #[schema(min_length = 1, max_length = 500, example = "chargeback 4711")]
    reason: String,
}

async fn intervene(
    engine: &Engine,
    id: LicenseId,
    intervention: Intervention,
    write: Write<Reason>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let mut faults = Faults::default();
    let reason = faults.text("/reason", write.body.reason, REASON_LENGTH_MAX);
    let reason = faults.finish(|| reason)?;
    let done = engine.intervene(write.caller, id, (intervention, reason), write.idempotency).await?;
    Ok(answer(StatusCode::OK, done.map(License::from)))
}

/// Suspend a license
///
/// Operator key, with a reason (B-5). Its units, and those of its bonus, are not live until it is reinstated; its time goes
/// on. Doing it again changes nothing.
#[utoipa::path(
    post, path = path::LICENSE_SUSPEND, tag = TAG, operation_id = "suspend_license", request_body = Reason,
    params(("id" = String, Path, description = "The license.")),
    responses(
        (status = 200, description = "The license.", body = License),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such license."),
        (status = 409, description = "`license_ended`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn suspend(
    State(engine): State<Engine>,
    Place(id): Place<LicenseId>,
    write: Write<Reason>,
) -> Result<Response, Problem> {
    intervene(&engine, id, Intervention::Suspend, write).await
}

/// Reinstate a license
///
/// Operator key, with a reason (B-5). What was suspended goes on, with its bonus.
#[utoipa::path(
    post, path = path::LICENSE_REINSTATE, tag = TAG, operation_id = "reinstate_license", request_body = Reason,
    params(("id" = String, Path, description = "The license.")),
    responses(
        (status = 200, description = "The license.", body = License),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such license."),
        (status = 409, description = "`license_ended`, `license_not_suspended`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn reinstate(
    State(engine): State<Engine>,
    Place(id): Place<LicenseId>,
    write: Write<Reason>,
) -> Result<Response, Problem> {
    intervene(&engine, id, Intervention::Reinstate, write).await
}

/// Revoke a license
///
/// Operator key, with a reason (B-5). It ends for good, with its bonus. Its hosts go to free units of other licenses; the
/// rest is stranded (L-6). Doing it again changes nothing.
#[utoipa::path(
    post, path = path::LICENSE_REVOKE, tag = TAG, operation_id = "revoke_license", request_body = Reason,
    params(("id" = String, Path, description = "The license.")),
    responses(
        (status = 200, description = "The license.", body = License),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such license."),
        (status = 409, description = "`license_ended`: it has expired."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn revoke(
    State(engine): State<Engine>,
    Place(id): Place<LicenseId>,
    write: Write<Reason>,
) -> Result<Response, Problem> {
    intervene(&engine, id, Intervention::Revoke, write).await
}
