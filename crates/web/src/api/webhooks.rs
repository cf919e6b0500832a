//! Notices of the payment platform. They are wake-ups: what they say is asked of the platform itself (B-3).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::payment::NoticeError;
use engine::{Engine, Error};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Code, Problem};
use super::{App, path};

const TAG: &str = "Payments";

/// The platform holds the buyer's browser until it is answered, so it is answered by then; what is not done goes on.
const ANSWER: Duration = Duration::from_millis(1500);

pub(crate) fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stripe))
}

/// Take a notice of the payment platform
///
/// Without a key: the platform signs it (`Stripe-Signature`, against this server's clock: 300 s into the past, none into the
/// future). Everything genuine is answered with 200, repeats and unknown types too. A notice activates nothing: the platform
/// is asked how the payment stands.
#[utoipa::path(
    post, path = path::WEBHOOKS_STRIPE, tag = TAG, operation_id = "take_notice",
    request_body(content = String, description = "An event, as the platform sends it.", content_type = "application/json"),
    responses(
        (status = 200, description = "It is genuine."),
        (status = 400, description = "`invalid_notice`: not signed by the platform, or not of this time."),
        (status = 503, description = "`database_unavailable`, ...: the platform shall send it again."),
    ),
)]
async fn stripe(State(engine): State<Engine>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let thanks = engine.acknowledgement();
    // A caller that gives up does not stop it.
    let work = tokio::spawn(async move { engine.notice(&headers, &body).await });
    let outcome = match tokio::time::timeout(ANSWER, work).await {
        Ok(Ok(Err(NoticeError::Refused(refusal)))) => {
            metrics::counter!("perennial_notices_total", "outcome" => "refused").increment(1);
            return Err(Problem::new(Code::InvalidNotice, refusal.to_string()));
        }
        Ok(Ok(Err(NoticeError::Error(Error::Trouble(trouble))))) => return Err(trouble.into()),
        Ok(Ok(Err(NoticeError::Error(error)))) => {
            tracing::error!(%error, "a notice could not be settled: {error}");
            "failed"
        }
        Ok(Err(panic)) => {
            tracing::error!(%panic, "a notice could not be settled: {panic}");
            "failed"
        }
        Ok(Ok(Ok(()))) => "taken",
        Err(_) => "slow",
    };
    metrics::counter!("perennial_notices_total", "outcome" => outcome).increment(1);
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, thanks.content_type)], thanks.body).into_response())
}
