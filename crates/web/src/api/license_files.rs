//! License files: signed copies of what an account holds, and the public keys with which they verify (L-8).

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{AccountId, InstallationId};
use engine::{Caller, Engine};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Outcome;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::account;
use super::fault::Faults;
use super::idempotency::mark;
use super::problem::Problem;
use super::{App, path};

const TAG: &str = "License files";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(issue))
}

/// What everybody may read.
pub(crate) fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(keys))
}

/// For whom a license file is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLicenseFile {
    /// Whose licenses. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// The installation that it is for, with the units that it has taken along; default every one of the account.
    #[schema(example = "ins_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    installation_id: Option<String>,
}

impl NewLicenseFile {
    fn parse(&self, caller: Caller) -> Result<(AccountId, Option<InstallationId>), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let installation_id = faults.parse_opt("/installation_id", self.installation_id.as_deref());
        faults.finish(|| account_id.zip(installation_id))
    }
}

/// Issue a license file
///
/// Two lines, each a compact Ed25519 JWS: what the account holds, then the certificate of the key that signed it, from the
/// root key that products pin (L-8). It holds for 30 days; a product that can reach us asks for the next one after 7.
#[utoipa::path(
    post, path = path::LICENSE_FILES, tag = TAG, operation_id = "issue_license_file", request_body = NewLicenseFile,
    responses(
        (status = 201, description = "The file.", body = String, content_type = "text/plain"),
        (status = 404, description = "`not_found`: no such account or installation, or not for this key."),
        (status = 409, description = "`installation_retired`"),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
        (status = 503, description = "`signing_unavailable`: the site has no usable signing key."),
    ),
)]
async fn issue(State(engine): State<Engine>, write: Write<NewLicenseFile>) -> Result<Response, Problem> {
    let (account_id, installation_id) = write.body.parse(write.caller)?;
    let issued = engine.license_file(write.caller, account_id, installation_id, write.idempotency).await?;
    let is_replay = matches!(issued, Outcome::AlreadyDone(_));
    Ok(mark(is_replay, (StatusCode::CREATED, TEXT_FILE, issued.into_inner()).into_response()))
}

const TEXT_FILE: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
    (header::CONTENT_DISPOSITION, "attachment; filename=\"license.txt\""),
];

/// Public keys (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
struct KeySet {
    /// Ed25519 keys as JWKs (RFC 8037).
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// Read the public keys that sign now
///
/// Without a key. Those whose license files and statements may still hold. A product needs only the
/// pinned root key.
#[utoipa::path(
    get, path = path::LICENSE_KEYS, tag = TAG, operation_id = "get_license_keys",
    responses((status = 200, description = "The keys; may be cached for 5 minutes.", body = KeySet)),
)]
async fn keys(State(engine): State<Engine>) -> Result<Response, Problem> {
    let keys = engine.license_keys().await?;
    let keys = keys.iter().map(|key| key.jwk()).collect();
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(KeySet { keys })).into_response())
}
