//! Refusals on the wire: RFC 9457 problem documents.
//!
//! A handler returns a [`Problem`]; it travels to the edge as an extension of an empty response, where [`complete`] writes
//! it down with the id of the request. What axum refuses by itself (an unknown route, another method) becomes one there, too.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::account::Shortfall;
use domain::desk::WalletRefusal;
use domain::purchase::PurchaseRefusal;
use domain::renewal::RenewalRefusal;
use engine::{Class, Error, Refusal};
use serde::Serialize;
use store::Trouble;
use utoipa::ToSchema;

use super::{html, path};

/// The media type of RFC 9457.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What the edge itself refuses; the engine's refusals have codes of their own ([`Refusal::code`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    MalformedJson,
    UnreadableBody,
    InvalidRequest,
    InvalidIdempotencyKey,
    IdempotencyKeyReused,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    BodyTooLarge,
    InvalidNotice,
    DatabaseUnavailable,
    DiskFull,
    Timeout,
    Internal,
}

impl Code {
    pub(crate) const ALL: [Self; 16] = [
        Self::MalformedJson,
        Self::UnreadableBody,
        Self::InvalidRequest,
        Self::InvalidIdempotencyKey,
        Self::IdempotencyKeyReused,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::BodyTooLarge,
        Self::InvalidNotice,
        Self::DatabaseUnavailable,
        Self::DiskFull,
        Self::Timeout,
        Self::Internal,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::UnreadableBody => "unreadable_body",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::BodyTooLarge => "body_too_large",
            Self::InvalidNotice => "invalid_notice",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::DiskFull => "disk_full",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson | Self::UnreadableBody | Self::InvalidNotice => StatusCode::BAD_REQUEST,
            Self::InvalidRequest | Self::InvalidIdempotencyKey | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DatabaseUnavailable | Self::DiskFull | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which asking again may help.
    const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Conflict => Some(1),
            Self::DatabaseUnavailable | Self::Timeout => Some(5),
            Self::DiskFull => Some(60),
            Self::MalformedJson
            | Self::UnreadableBody
            | Self::InvalidRequest
            | Self::InvalidIdempotencyKey
            | Self::IdempotencyKeyReused
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::InvalidNotice
            | Self::Internal => None,
        }
    }
}

const fn status_of(class: Class) -> StatusCode {
    match class {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Class::Conflict => StatusCode::CONFLICT,
        Class::Payment => StatusCode::PAYMENT_REQUIRED,
        Class::Missing => StatusCode::NOT_FOUND,
        Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// One wrong value of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Where it is: a JSON pointer into the body, or `/name` of a query parameter.
    #[schema(example = "/amount")]
    pub(crate) pointer: String,
    /// What is wrong with it.
    #[schema(example = "must be a whole number of minor units")]
    pub(crate) detail: String,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Fault>,
    shortfall: Option<i64>,
    needs_at_least: Option<u32>,
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code: code.name(),
            detail: detail.into(),
            errors: Vec::new(),
            shortfall: None,
            needs_at_least: None,
            retry_after: code.retry_after(),
        }
    }

    pub(crate) fn invalid(errors: Vec<Fault>) -> Self {
        let first = errors.first().map(|Fault { pointer, detail }| format!("{pointer}: {detail}"));
        let detail = match errors.len() {
            0 | 1 => first.unwrap_or_default(),
            n => format!("{n} values are wrong; {}", first.unwrap_or_default()),
        };
        Self { errors, ..Self::new(Code::InvalidRequest, detail) }
    }

    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(Code::Unauthorized, detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing")
    }

    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    fn refused(refusal: &Refusal) -> Self {
        let (code, class) = refusal.code();
        Self {
            status: status_of(class),
            code,
            detail: refusal.to_string(),
            errors: Vec::new(),
            shortfall: shortfall(refusal).map(|shortfall| shortfall.missing().minor()),
            needs_at_least: needs_at_least(refusal),
            retry_after: None,
        }
    }

    /// What an answer without a body means, when it did not come from us.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(Code::MethodNotAllowed, "this URL has other methods; the Allow header names them")
            }
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::BodyTooLarge, "the body is too large"),
            status if status.is_client_error() => {
                Self { status, ..Self::new(Code::InvalidRequest, "the request cannot be understood") }
            }
            status => Self { status, ..Self::new(Code::Internal, "something went wrong on our side") },
        }
    }
}

const fn shortfall(refusal: &Refusal) -> Option<Shortfall> {
    if let Refusal::Purchase(PurchaseRefusal::InsufficientBalance(shortfall))
    | Refusal::Renewal(RenewalRefusal::InsufficientBalance(shortfall))
    | Refusal::Wallet(WalletRefusal::InsufficientBalance(shortfall)) = refusal
    {
        return Some(*shortfall);
    }
    None
}

const fn needs_at_least(refusal: &Refusal) -> Option<u32> {
    if let Refusal::Renewal(RenewalRefusal::TermTooShort { needs_at_least }) = refusal {
        return Some(*needs_at_least);
    }
    None
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::not_found(),
            Error::Forbidden => Self::new(Code::Forbidden, error.to_string()),
            Error::Refused(refusal) => Self::refused(&refusal),
            Error::KeyReused => Self::new(Code::IdempotencyKeyReused, error.to_string()),
            Error::Conflict(constraint) => {
                tracing::info!(constraint = %constraint, "a constraint refused a write: {constraint}");
                Self::new(Code::Conflict, "another request got there first; look at the present state")
            }
            Error::Trouble(trouble) => trouble.into(),
            Error::Bug(message) => {
                tracing::error!("an invariant was broken, nothing was changed: {message}");
                Self::internal()
            }
        }
    }
}

impl Problem {
    pub(crate) fn internal() -> Self {
        Self::new(Code::Internal, "something went wrong on our side; nothing was changed")
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::refused(&refusal)
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::Full => {
                tracing::error!("{trouble}");
                Self::new(Code::DiskFull, "there is no room to write; nothing was changed")
            }
            Trouble::Unreadable(_) => {
                tracing::error!("{trouble}");
                Self::new(Code::DatabaseUnavailable, "a stored row cannot be read")
            }
            Trouble::Unavailable(_) | Trouble::Closed => {
                tracing::warn!("{trouble}");
                Self::new(Code::DatabaseUnavailable, "the database cannot be used now; ask again")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The problem document (RFC 9457). `code` is stable; `detail` is for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// A relative reference to the explanation of the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#insufficient_balance")]
    kind: String,
    /// The code in words.
    #[schema(example = "Insufficient balance")]
    title: String,
    /// The HTTP status.
    #[schema(example = 402)]
    status: u16,
    /// What happened, for people.
    #[schema(example = "the available balance of 500 does not cover 12000")]
    detail: &'a str,
    /// What happened, for programs.
    #[schema(example = "insufficient_balance")]
    code: &'a str,
    /// The id of this request in our logs.
    request_id: &'a str,
    /// With `invalid_request`: every wrong value.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [Fault],
    /// With `insufficient_balance`: how many minor units are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 11500, nullable = false)]
    shortfall: Option<i64>,
    /// With `term_too_short`: the smallest number of terms that reaches past now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    needs_at_least: Option<u32>,
}

/// `insufficient_balance` in words. One title for each code, as the RFC asks.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Writes the problem of a response down, if it has one.
pub(crate) fn complete(response: Response, request_id: &str) -> Response {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    // A page tells people itself what happened.
    if !is_refusal || is_page(&response) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
    let document = Document {
        kind: format!("{}#{}", path::DOCS_ERRORS, problem.code),
        title: title(problem.code),
        status: problem.status.as_u16(),
        detail: &problem.detail,
        code: problem.code,
        request_id,
        errors: &problem.errors,
        shortfall: problem.shortfall,
        needs_at_least: problem.needs_at_least,
    };
    let text = serde_json::to_string(&document).expect("a problem document is plain data");
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after {
        parts.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    Response::from_parts(parts, Body::from(text))
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(html::MEDIA_TYPE))
}
