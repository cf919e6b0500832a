//! The test clock (T-5).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Engine, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::fault::Faults;
use super::idempotency::answer;
use super::problem::Problem;
use super::wire::Timestamp;
use super::{App, path};

const TAG: &str = "Test clock";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(advance))
}

/// Where the clock stands.
#[derive(Debug, Serialize, ToSchema)]
struct TestClock {
    /// The present instant of everything in this site.
    now: Timestamp,
}

/// Where the clock should go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Not before now.
    #[schema(format = DateTime, example = "2019-05-31T16:00:00Z")]
    to: String,
}

/// Read the test clock
///
/// There is one only when the process was started with `--test-clock` (T-5).
#[utoipa::path(
    get, path = path::CLOCK, tag = TAG,
    responses(
        (status = 200, description = "Where it stands.", body = TestClock),
        (status = 404, description = "`not_found`: the process lives on real time."),
    ),
)]
async fn show(State(engine): State<Engine>) -> Result<Json<TestClock>, Problem> {
    if !engine.clock().is_test() {
        return Err(Refusal::NoTestClock.into());
    }
    Ok(Json(TestClock { now: engine.now().into() }))
}

/// Move the test clock forward
///
/// Operator key. Moves time through every due instant in order, does all the work due at each (renewals, arrears,
/// suspensions, reminders), and answers when everything due at or before `to` is done (T-5). It may take minutes.
#[utoipa::path(
    post, path = path::CLOCK_ADVANCE, tag = TAG, request_body = Advance,
    responses(
        (status = 200, description = "Where it stands now.", body = TestClock),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: the process lives on real time."),
        (status = 409, description = "`clock_backwards`: time does not go back."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn advance(State(engine): State<Engine>, write: Write<Advance>) -> Result<Response, Problem> {
    let mut faults = Faults::default();
    let to = faults.parse("/to", &write.body.to);
    let to = faults.finish(|| to)?;
    let moved = engine.advance(write.caller, to, write.idempotency).await?;
    Ok(answer(StatusCode::OK, moved.map(|now| TestClock { now: now.into() })))
}
