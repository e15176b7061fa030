//! [`Event`]: what a subscription waits for, `entity:{endpoint}:{trigger}`, checked against the entities TrackTik has.
//!
//! It must never let a misspelt entity or trigger through: TrackTik would take the subscription, and no call-out would
//! ever come.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::definition::DefinitionError;

/// Endpoints and their actions, read off TrackTik OpenAPI 2020-01-01.
const TABLE: &str = include_str!("entities.tsv");

/// Names further apart than this are not each other's misspelling (0 to 1; 1 is equal).
const ALIKE: f64 = 0.75;

/// The two triggers every entity has (TrackTik support: Events Subscriptions).
const CREATED: &str = "created";
const UPDATED: &str = "updated";

/// One line of the table.
struct Row {
    entity: &'static str,
    actions: Vec<&'static str>,
}

/// A trigger of an entity, as `entity:employees:created` (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsPost`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Event {
    entity: &'static str,
    trigger: &'static str,
}

impl Event {
    /// The event of an entity's endpoint (`employees`) and a trigger: `created`, `updated`, or the name of one of the
    /// endpoint's actions (TrackTik support: Events Subscriptions).
    ///
    /// # Errors
    /// [`DefinitionError::UnknownEntity`] and [`DefinitionError::UnknownTrigger`], each with what may have been meant.
    pub fn new(entity: &str, trigger: &str) -> Result<Self, DefinitionError> {
        let row = table().iter().find(|row| row.entity == entity).ok_or_else(|| DefinitionError::UnknownEntity {
            entity: entity.to_owned(),
            suggestion: nearest(entity, table().iter().map(|row| row.entity)),
        })?;
        let trigger = triggers(row).find(|known| *known == trigger).ok_or_else(|| DefinitionError::UnknownTrigger {
            entity: row.entity,
            trigger: trigger.to_owned(),
            suggestion: nearest(trigger, triggers(row)),
        })?;
        Ok(Self { entity: row.entity, trigger })
    }

    /// The endpoint: `employees`.
    pub fn entity(self) -> &'static str {
        self.entity
    }

    /// `created`, `updated`, or an action's name.
    pub fn trigger(self) -> &'static str {
        self.trigger
    }

    /// Every event of an entity; none where there is no such entity.
    pub fn all_of(entity: &str) -> Vec<Self> {
        let row = table().iter().find(|row| row.entity == entity);
        row.into_iter().flat_map(|row| triggers(row).map(|trigger| Self { entity: row.entity, trigger })).collect()
    }

    /// Every entity's endpoint, in the order of the alphabet.
    pub fn entities() -> impl Iterator<Item = &'static str> {
        table().iter().map(|row| row.entity)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entity:{}:{}", self.entity, self.trigger)
    }
}

impl FromStr for Event {
    type Err = DefinitionError;

    fn from_str(text: &str) -> Result<Self, DefinitionError> {
        match text.split(':').collect::<Vec<_>>()[..] {
            ["entity", entity, trigger] => Self::new(entity, trigger),
            _ => Err(DefinitionError::EventForm { event: text.to_owned() }),
        }
    }
}

fn triggers(row: &'static Row) -> impl Iterator<Item = &'static str> {
    [CREATED, UPDATED].into_iter().chain(row.actions.iter().copied())
}

fn table() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines
            .map(|line| {
                let (entity, actions) = line.split_once('\t').unwrap_or((line, ""));
                Row { entity, actions: actions.split(',').filter(|action| !action.is_empty()).collect() }
            })
            .collect()
    })
}

/// The known name that was most likely meant.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    known
        .map(|known| (strsim::jaro_winkler(&name, known), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_event_reads_back_as_it_was_written() {
        let mut events = 0;
        for event in Event::entities().flat_map(Event::all_of) {
            assert_eq!(event.to_string().parse(), Ok(event));
            events += 1;
        }
        assert!(Event::entities().count() > 140, "the table is whole");
        assert!(events > 2 * Event::entities().count(), "actions are events too");
    }

    #[test]
    fn the_table_is_in_order_and_clean() {
        let names: Vec<_> = Event::entities().collect();
        assert!(names.is_sorted(), "sorted by name");
        for event in Event::entities().flat_map(Event::all_of) {
            let clean = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            assert!(clean(event.entity()) && clean(event.trigger()), "{event}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_what_may_have_been_meant() {
        for (text, expected) in [
            ("entity:employee:created", "TrackTik has no entity “employee”; did you mean “employees”?"),
            ("entity:Employees:created", "TrackTik has no entity “Employees”; did you mean “employees”?"),
            ("entity:shift:created", "TrackTik has no entity “shift”; did you mean “shifts”?"),
            ("entity:qqq:created", "TrackTik has no entity “qqq”"),
            ("entity:shifts:clockin", "“shifts” has no trigger “clockin”; did you mean “clock-in”?"),
            ("entity:shifts:create", "“shifts” has no trigger “create”; did you mean “created”?"),
            ("entity:reports:deleted", "“reports” has no trigger “deleted”"),
            ("entity:accounts:xyz", "“accounts” has no trigger “xyz”"),
        ] {
            assert_eq!(text.parse::<Event>().expect_err("refused").to_string(), expected, "{text}");
        }
    }

    #[test]
    fn another_form_is_refused() {
        for text in
            ["", "employees:created", "entity:employees", "entity:employees:created:now", "Entity:employees:created"]
        {
            let error = text.parse::<Event>().expect_err("refused");
            assert!(matches!(error, DefinitionError::EventForm { .. }), "{text}: {error}");
        }
    }
}
