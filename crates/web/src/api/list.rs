//! Lists: pages of 1 to 100 in a stable order, and a cursor to the next.

use domain::catalog::Code;
use domain::id::Id;
use serde::{Deserialize, Serialize};
use store::Page;
use utoipa::{IntoParams, ToSchema};

use super::fault::Faults;
use super::problem::Problem;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows.
    pub(crate) data: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// A page of a list that has no filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn parse<C: Cursor>(&self) -> Result<Asked<C>, Problem> {
        let mut faults = Faults::default();
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        faults.finish(|| asked)
    }
}

/// A position in a list, which a caller hands back without knowing what it is.
pub(crate) trait Cursor: Copy {
    /// The bytes to hand out.
    fn bytes(self) -> Vec<u8>;
    /// The position that they mean.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl<E> Cursor for Id<E> {
    fn bytes(self) -> Vec<u8> {
        self.as_u128().to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self::from_u128(u128::from_be_bytes(bytes)))
    }
}

impl Cursor for u64 {
    fn bytes(self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Cursor for Code {
    fn bytes(self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok()?.parse().ok()
    }
}

/// The first character of a cursor, so that another form can be told from this one.
const VERSION: char = '1';

fn write<C: Cursor>(position: C) -> String {
    let digits = position.bytes().into_iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(VERSION.to_string()).chain(digits).collect()
}

fn read<C: Cursor>(cursor: &str) -> Option<C> {
    let digits = cursor.strip_prefix(VERSION)?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    C::from_bytes(&bytes?)
}

/// The page that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<C> {
    after: Option<C>,
    limit: u32,
}

impl<C: Cursor> Asked<C> {
    /// Reads `limit` and `cursor`.
    pub(crate) fn parse(faults: &mut Faults, limit: Option<&str>, cursor: Option<&str>) -> Option<Self> {
        let limit = match limit.map(str::parse) {
            None => Some(LIMIT_DEFAULT),
            Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => Some(limit),
            Some(_) => {
                faults.add("/limit", format!("must be a whole number from 1 to {LIMIT_MAX}"));
                None
            }
        };
        let after = match cursor {
            None => Some(None),
            Some(cursor) => {
                faults.take("/cursor", read(cursor).ok_or("must be the next_cursor of the page before")).map(Some)
            }
        };
        Some(Self { after: after?, limit: limit? })
    }

    /// The same page after a position that came in another way.
    pub(crate) fn after(self, position: Option<C>) -> Self {
        Self { after: self.after.or(position), ..self }
    }

    /// What to ask the store for: one row more, to know whether there is a next page.
    pub(crate) fn page(self) -> Page<C> {
        Page { after: self.after, limit: self.limit + 1 }
    }

    /// The answer.
    pub(crate) fn list<R, T>(self, mut rows: Vec<R>, position: fn(&R) -> C, render: impl Fn(R) -> T) -> List<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| write(position(row)));
        List { data: rows.into_iter().map(render).collect(), next_cursor }
    }
}
