//! [`DefinitionError`]: why a subscription cannot be defined as it was asked for.
//!
//! It names what to change, and must never repeat a secret or a URL.

/// What is wrong with the parts of a subscription. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// An event of another form than `entity:{endpoint}:{trigger}`.
    #[error("“{event}” is no event: expected entity:ENDPOINT:TRIGGER, as in entity:employees:created")]
    EventForm {
        /// What was given.
        event: String,
    },
    /// No such entity.
    #[error("TrackTik has no entity “{entity}”{}", did_you_mean(*suggestion))]
    UnknownEntity {
        /// What was given.
        entity: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// The entity has no such trigger.
    #[error("“{entity}” has no trigger “{trigger}”{}", did_you_mean(*suggestion))]
    UnknownTrigger {
        /// The entity, which exists.
        entity: &'static str,
        /// What was given.
        trigger: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// A subscription without an event.
    #[error("a subscription needs at least one event")]
    NoEvent,
    /// Events of two entities: all of one subscription belong to the same (TrackTik support: Events Subscriptions).
    #[error("the events are of two entities, “{first}” and “{other}”; a subscription is about one")]
    TwoEntities {
        /// The first event's.
        first: &'static str,
        /// The one that differs.
        other: &'static str,
    },
    /// A filter that cannot be sent.
    #[error("the filter on “{field}” cannot be used: {what}")]
    Filter {
        /// The field it is about.
        field: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A list of regions that makes no sense.
    #[error("the regions cannot be used: {what}")]
    Regions {
        /// What is wrong with them.
        what: String,
    },
    /// Another part that is missing or of the wrong form.
    #[error("{part} {what}")]
    Part {
        /// Which one, by its name in TrackTik's schema.
        part: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

fn did_you_mean(suggestion: Option<&'static str>) -> String {
    suggestion.map(|name| format!("; did you mean “{name}”?")).unwrap_or_default()
}
