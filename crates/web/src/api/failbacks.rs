//! Failbacks: each uses one unit of a failback license, once (L-5).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::failback::Started;
use domain::id::{AccountId, FailbackId, LicenseId};
use domain::label::{Host, JobId};
use engine::{Caller, Engine};
use serde::{Deserialize, Serialize};
use store::{FailbackFilter, Outcome};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Nothing, Write};
use super::caller::{By, account};
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{FailbackState, Timestamp};
use super::{App, path};

const TAG: &str = "Failbacks";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(show))
        .routes(routes!(commit))
        .routes(routes!(cancel))
        .routes(routes!(heartbeat))
}

/// A failback of a host, and its one-time unit (L-5).
#[derive(Debug, Serialize, ToSchema)]
struct Failback {
    /// Its id.
    #[schema(value_type = String, example = "fbk_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: FailbackId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// The host.
    #[schema(value_type = String, example = "10.0.0.7")]
    host: Host,
    /// The job, as the customer's software names it.
    #[schema(value_type = String, example = "failback-4711")]
    job_id: JobId,
    /// Where it stands.
    state: FailbackState,
    /// The license of its unit, or of the one that it had.
    #[schema(value_type = String, example = "lic_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    license_id: LicenseId,
    /// The number of its unit, from 1.
    unit: u32,
    /// When it started.
    reserved_at: Timestamp,
    /// Without a heartbeat until then its unit is free again.
    deadline: Timestamp,
    /// When it was committed, cancelled or lapsed.
    #[schema(required)]
    ended_at: Option<Timestamp>,
}

impl From<domain::failback::Failback> for Failback {
    fn from(failback: domain::failback::Failback) -> Self {
        Self {
            id: failback.id,
            account_id: failback.account_id,
            host: failback.host,
            job_id: failback.job_id,
            state: failback.state.into(),
            license_id: failback.unit.license_id,
            unit: failback.unit.number,
            reserved_at: failback.reserved_at.into(),
            deadline: failback.deadline.into(),
            ended_at: failback.ended_at.map(Into::into),
        }
    }
}

/// A failback that starts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFailback {
    /// Whose host. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// The host.
    #[schema(min_length = 1, max_length = 255, example = "10.0.0.7")]
    host: String,
    /// The job, as the customer's software names it. Never used for two failbacks.
    #[schema(min_length = 1, max_length = 255, example = "failback-4711")]
    job_id: String,
}

impl NewFailback {
    fn parse(&self, caller: Caller) -> Result<(AccountId, (JobId, Host)), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let host = faults.parse("/host", &self.host);
        let job_id = faults.parse("/job_id", &self.job_id);
        faults.finish(|| account_id.zip(job_id.zip(host)))
    }
}

/// Start a failback
///
/// Sets a unit aside: of the license that expires first, of a bonus before what was paid for (L-5). The same `job_id` again
/// finds what it did before, whatever became of it.
#[utoipa::path(
    post, path = path::FAILBACKS, tag = TAG, operation_id = "start_failback", request_body = NewFailback,
    responses(
        (status = 200, description = "The failback of this job, as it stands.", body = Failback),
        (status = 201, description = "The failback.", body = Failback),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 409, description = "`no_units_available`, `job_of_another_host`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn start(State(engine): State<Engine>, write: Write<NewFailback>) -> Result<Response, Problem> {
    let (account_id, job) = write.body.parse(write.caller)?;
    let started = engine.start_failback(write.caller, account_id, job, write.idempotency).await?;
    let (Outcome::Done(Started { is_new, .. }) | Outcome::AlreadyDone(Started { is_new, .. })) = started;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, started.map(|started| Failback::from(started.failback))))
}

/// Commit a failback
///
/// It succeeded: its unit is consumed, exactly once, whatever is repeated (L-5). Also when its license has expired meanwhile.
/// After it lapsed a free unit is taken.
#[utoipa::path(
    post, path = path::FAILBACK_COMMIT, tag = TAG, operation_id = "commit_failback", request_body = Nothing,
    params(("id" = String, Path, description = "The failback.")),
    responses(
        (status = 200, description = "The failback, committed.", body = Failback),
        (status = 404, description = "`not_found`: no such failback, or not for this key."),
        (status = 409, description = "`failback_cancelled`; `no_units_available`: it had lapsed, and no unit is free."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn commit(
    State(engine): State<Engine>,
    Place(id): Place<FailbackId>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let committed = engine.commit_failback(write.caller, id, write.idempotency).await?;
    Ok(answer(StatusCode::OK, committed.map(Failback::from)))
}

/// Cancel a failback
///
/// It was given up: its unit is free again (L-5). Cancelling it again changes nothing.
#[utoipa::path(
    post, path = path::FAILBACK_CANCEL, tag = TAG, operation_id = "cancel_failback", request_body = Nothing,
    params(("id" = String, Path, description = "The failback.")),
    responses(
        (status = 200, description = "The failback, cancelled.", body = Failback),
        (status = 404, description = "`not_found`: no such failback, or not for this key."),
        (status = 409, description = "`already_consumed`: it was committed."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn cancel(
    State(engine): State<Engine>,
    Place(id): Place<FailbackId>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let cancelled = engine.cancel_failback(write.caller, id, write.idempotency).await?;
    Ok(answer(StatusCode::OK, cancelled.map(Failback::from)))
}

/// Say that a failback still runs
///
/// Its unit stays set aside for another 72 hours. Without a heartbeat until its `deadline` it lapses.
#[utoipa::path(
    post, path = path::FAILBACK_HEARTBEAT, tag = TAG, operation_id = "beat_failback", request_body = Nothing,
    params(("id" = String, Path, description = "The failback.")),
    responses(
        (status = 200, description = "The failback, with its new deadline.", body = Failback),
        (status = 404, description = "`not_found`: no such failback, or not for this key."),
        (status = 409, description = "`already_consumed`, `failback_cancelled`, `failback_lapsed`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn heartbeat(
    State(engine): State<Engine>,
    Place(id): Place<FailbackId>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let beaten = engine.beat_failback(write.caller, id, write.idempotency).await?;
    Ok(answer(StatusCode::OK, beaten.map(Failback::from)))
}

/// Read a failback
#[utoipa::path(
    get, path = path::FAILBACK, tag = TAG, operation_id = "get_failback",
    params(("id" = String, Path, description = "The failback.")),
    responses(
        (status = 200, description = "The failback.", body = Failback),
        (status = 404, description = "`not_found`: no such failback, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<FailbackId>,
) -> Result<Json<Failback>, Problem> {
    Ok(Json(engine.failback(caller, id).await?.into()))
}

/// Which failbacks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FailbacksQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// In this state.
    state: Option<FailbackState>,
    /// Of this host.
    host: Option<String>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl FailbacksQuery {
    fn parse(&self) -> Result<(FailbackFilter, Asked<FailbackId>), Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let host = faults.parse_opt("/host", self.host.as_deref());
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        let state = self.state.map(Into::into);
        faults.finish(|| Some((FailbackFilter { account_id: account_id?, state, host: host? }, asked?)))
    }
}

/// List failbacks
///
/// Oldest first.
#[utoipa::path(
    get, path = path::FAILBACKS, tag = TAG, operation_id = "list_failbacks", params(FailbacksQuery),
    responses(
        (status = 200, description = "A page of failbacks.", body = List<Failback>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<FailbacksQuery>,
) -> Result<Json<List<Failback>>, Problem> {
    let (filter, asked) = query.parse()?;
    let failbacks = engine.failbacks(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(failbacks, |failback| failback.id, Failback::from)))
}
