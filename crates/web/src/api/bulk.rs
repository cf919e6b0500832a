//! Several things at once, each for itself: results in the order of the request.

use domain::id::ResourceId;
use engine::ItemResult;
use serde::Serialize;
use store::Outcome;
use utoipa::ToSchema;

use super::fault::Faults;
use super::problem::Problem;

/// The most resources of one request.
pub(crate) const ITEMS_MAX: usize = 100;

/// The results, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Results<T> {
    /// One for each item.
    pub(crate) data: Vec<T>,
}

/// Notes that there are none or too many.
pub(crate) fn check_count(faults: &mut Faults, pointer: &str, n: usize, max: usize) {
    if !(1..=max).contains(&n) {
        faults.add(pointer, format!("must have 1 to {max} items, not {n}"));
    }
}

/// Puts results back beside the ids that were asked for; what is no id at all is the id of nothing.
pub(crate) fn pair<T, R>(
    ids: Vec<String>,
    results: Vec<ItemResult<T>>,
    render: impl Fn(String, Result<T, Problem>) -> R,
) -> Vec<R> {
    let mut results = results.into_iter().map(|item| item.result.map_err(Problem::from));
    let of = |id: String| {
        let result = id.parse::<ResourceId>().ok().and_then(|_| results.next());
        render(id, result.unwrap_or_else(|| Err(Problem::not_found())))
    };
    ids.into_iter().map(of).collect()
}

/// Whether all of it was done before.
pub(crate) fn are_replayed<T>(results: &[ItemResult<Outcome<T>>]) -> bool {
    !results.is_empty() && results.iter().all(|item| matches!(item.result, Ok(Outcome::AlreadyDone(_))))
}

/// Whether it was done, and if not, the code and the words.
pub(crate) fn verdict<T>(result: &Result<T, Problem>) -> (bool, Option<&'static str>, Option<String>) {
    match result {
        Ok(_) => (true, None, None),
        Err(problem) => (false, Some(problem.code()), Some(problem.detail().to_owned())),
    }
}
