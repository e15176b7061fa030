//! Any JSON at all, for the tests that no answer makes a reader fall over. Never part of the program.

use proptest::prelude::*;
use serde_json::Value;

/// The names the readers look for.
const NAMES: &[&str] = &[
    "Data",
    "Success",
    "Errors",
    "Message",
    "MessageId",
    "Title",
    "Date",
    "Expires",
    "IsRead",
    "CTAButtonLink",
    "Authentication",
    "IsAuthenticated",
    "IsAuthenticated:",
    "AuthToken",
    "User",
    "UserId",
    "BrandId",
    "fusionUrl",
    "pusherKey",
    "pusherRegion",
    "pusherHost",
    "pusherPort",
    "pusherForceTls",
    "auth",
    "channel_data",
];

/// Any JSON, with the names of the wire among its keys and near misses of its values among its leaves.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "https?://[a-z0-9.:@\\[\\]%/?#-]{0,20}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?".prop_map(Value::from),
    ];
    let key = prop_oneof![1 => "[a-zA-Z]{0,8}", 4 => prop::sample::select(NAMES).prop_map(str::to_owned)];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
