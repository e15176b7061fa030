//! [`Page`]: a part of a list, and whether there is more.
//!
//! It must never ask for ever: a server that repeats itself has ended.

use serde_json::Value;

use crate::error::Error;
use crate::reply::opened;

/// `limit` is at most this (TrackTik support: API).
pub(crate) const LARGEST_PAGE: usize = 1000;
/// More pages than anybody has subscriptions.
pub(crate) const MOST_PAGES: usize = 1000;

/// All pages of a list together have no more bytes.
pub(crate) const LONGEST_LIST: usize = 64 * 1024 * 1024;

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// The limit the server says it used; it may be less than was asked for.
    limit: Option<usize>,
}

impl Page {
    /// Out of `{meta: {limit, offset, …}, data: […]}`, or of a bare array.
    pub(crate) fn from_json(value: Value) -> Result<Self, Error> {
        let (data, meta) = opened(value);
        let Value::Array(items) = data else { return Err(Error::shape("a list that is no list")) };
        let limit = meta.get("limit").and_then(|limit| match limit {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        });
        Ok(Self { items, limit: limit.filter(|limit| *limit > 0) })
    }

    /// Whether nothing can follow, where `asked` items were asked for. What `count` counts, the page or the whole, is
    /// not published, so only a page that is not full is the last.
    pub(crate) fn is_last(&self, asked: usize) -> bool {
        self.items.len() < self.limit.unwrap_or(asked).min(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_that_is_not_full_is_the_last() {
        for (answer, is_last) in [
            (json!([1, 2]), true),
            (json!([1, 2, 3]), false),
            (json!({"meta": {"limit": 2}, "data": [1, 2]}), false),
            (json!({"meta": {"limit": "2"}, "data": [1]}), true),
            (json!({"meta": {"limit": 0}, "data": [1, 2]}), true),
            (json!({"data": []}), true),
        ] {
            assert_eq!(Page::from_json(answer.clone()).expect("a page").is_last(3), is_last, "{answer}");
        }
        assert!(Page::from_json(json!({"meta": {}, "data": {}})).is_err());
    }
}
