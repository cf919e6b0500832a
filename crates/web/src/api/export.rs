//! Exports: whole lists as CSV (RFC 4180), made page by page while they are sent, so that their length costs no memory.
//!
//! What goes wrong before the first byte is a problem like any other. Later it breaks the transfer, so a part is never taken
//! for the whole.

use std::future::{Future, ready};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use csv::{Terminator, WriterBuilder};
use engine::Error;
use futures_util::StreamExt;
use futures_util::stream::{once, try_unfold};
use store::Page;

use super::problem::Problem;

/// So many rows are in memory at once.
const PAGE_ROWS: u32 = 1_000;

/// What an export looks like.
#[derive(Debug)]
pub(crate) struct Sheet<R, C> {
    /// The name of the file.
    pub(crate) file_name: &'static str,
    /// The titles of the columns.
    pub(crate) columns: &'static [&'static str],
    /// Where a row stands in the list.
    pub(crate) position: fn(&R) -> C,
    /// The cells of a row, as many as there are columns.
    pub(crate) cells: fn(R) -> Vec<String>,
}

impl<R: Send + 'static, C: Send + 'static> Sheet<R, C> {
    /// The answer: all rows that `fetch` gives, page after page.
    pub(crate) async fn export<P>(self, fetch: impl Fn(Page<C>) -> P + Send + 'static) -> Result<Response, Problem>
    where
        P: Future<Output = Result<Vec<R>, Error>> + Send + 'static,
    {
        let Self { file_name, columns, position, cells } = self;
        let rows = fetch(Page { after: None, limit: PAGE_ROWS }).await?;
        let after = last(&rows, position);
        let titles = columns.iter().map(|&title| title.to_owned()).collect();
        let first = lines(std::iter::once(titles).chain(rows.into_iter().map(cells)));
        let rest = try_unfold(after, move |after| {
            let page = after.map(|after| fetch(Page { after: Some(after), limit: PAGE_ROWS }));
            async move {
                let Some(page) = page else { return Ok(None) };
                let rows = page.await.inspect_err(|error| tracing::warn!("an export broke off: {error}"))?;
                let after = last(&rows, position);
                Ok((!rows.is_empty()).then(|| (lines(rows.into_iter().map(cells)), after)))
            }
        });
        let body = Body::from_stream(once(ready(Ok::<_, Error>(first))).chain(rest));
        let disposition = format!("attachment; filename=\"{file_name}\"");
        let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CONTENT_DISPOSITION, &disposition)];
        Ok((headers, body).into_response())
    }
}

/// The media type of exports.
const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// Where the next page starts, if there is one.
fn last<R, C>(rows: &[R], position: fn(&R) -> C) -> Option<C> {
    let is_full = u32::try_from(rows.len()).is_ok_and(|n_rows| n_rows >= PAGE_ROWS);
    rows.last().filter(|_| is_full).map(position)
}

fn lines(rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let fits = "rows of one length are written to memory";
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(harmless)).expect(fits);
    }
    writer.into_inner().expect(fits)
}

/// A spreadsheet would run a cell that starts like a formula, in some languages also in full-width signs. An apostrophe makes it text.
fn harmless(cell: String) -> String {
    const STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if cell.starts_with(STARTS) { format!("'{cell}") } else { cell }
}

/// A cell that may be empty.
pub(crate) fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
