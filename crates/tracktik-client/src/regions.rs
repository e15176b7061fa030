//! [`Regions`]: of which part of the region tree a subscription hears (TrackTik support: Events Subscriptions).
//!
//! It has no default on purpose: a subscription that says nothing hears of the owner's region and below, and nobody
//! should get that, or less, without having said so.

use serde_json::{Value, json};

use crate::definition::DefinitionError;

/// The regional context, which every subscription has to state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// All that the owner of the subscription sees: its region and below. `contextFilters` is left away (TrackTik
    /// support: Events Subscriptions).
    All,
    /// A part of the tree.
    Part(RegionPart),
}

/// Regions that count, and regions that do not although they lie below one that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionPart {
    included: Vec<IncludedRegion>,
    exclusions: Vec<u64>,
}

/// A region that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncludedRegion {
    /// TrackTik's id of the region.
    pub id: u64,
    /// Whether the regions below it count too (`includeChildren`).
    pub include_children: bool,
}

impl Regions {
    /// A part of the tree.
    ///
    /// # Errors
    /// [`DefinitionError::Regions`] without a region that counts, or with one that is there twice.
    pub fn part(included: Vec<IncludedRegion>, exclusions: Vec<u64>) -> Result<Self, DefinitionError> {
        let refuse = |what| Err(DefinitionError::Regions { what });
        if included.is_empty() {
            return refuse("there is none; for all of them say so".to_owned());
        }
        let mut ids: Vec<u64> = included.iter().map(|region| region.id).chain(exclusions.iter().copied()).collect();
        ids.sort_unstable();
        if let Some([twice, _]) = ids.array_windows().find(|[one, next]| one == next) {
            return refuse(format!("region {twice} is there twice"));
        }
        Ok(Self::Part(RegionPart { included, exclusions }))
    }

    /// `contextFilters`; none for all regions (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsPost`).
    pub(crate) fn to_json(&self) -> Option<Value> {
        let Self::Part(RegionPart { included, exclusions }) = self else { return None };
        let tag = |id: &u64| format!("context.region.{id}");
        let filters: Vec<_> = included
            .iter()
            .map(|region| json!({"tag": tag(&region.id), "includeChildren": region.include_children}))
            .collect();
        Some(json!({"filters": filters, "exclusions": exclusions.iter().map(tag).collect::<Vec<_>>()}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(id: u64, include_children: bool) -> IncludedRegion {
        IncludedRegion { id, include_children }
    }

    #[test]
    fn a_part_is_written_as_the_schema_shows() {
        let regions = Regions::part(vec![region(3, true), region(2, false)], vec![5, 4]).expect("a part");
        let expected = json!({
            "exclusions": ["context.region.5", "context.region.4"],
            "filters": [
                {"tag": "context.region.3", "includeChildren": true},
                {"tag": "context.region.2", "includeChildren": false}
            ]
        });
        assert_eq!(regions.to_json(), Some(expected));
        assert_eq!(Regions::All.to_json(), None);
    }

    #[test]
    fn a_part_without_a_region_or_with_one_twice_is_refused() {
        for (included, exclusions) in
            [(vec![], vec![4]), (vec![region(3, true), region(3, false)], vec![]), (vec![region(3, true)], vec![3])]
        {
            assert!(Regions::part(included.clone(), exclusions.clone()).is_err(), "{included:?} {exclusions:?}");
        }
    }
}
