//! Who is told of an entity: the recipients of every rule that holds. In doubt somebody is told, never nobody.

use minijinja::context;
use serde_json::Value;

use super::{
    CallOuts, Recipients,
    templates::{can_never_work, check_length, environment, one_line, render},
};
use crate::Error;

/// What a name may come to; longer ones name nobody.
const MAX_NAME_CHARS: usize = 200;

/// Refuses conditions and names that can never work.
pub(super) fn check(callouts: &CallOuts) -> Result<(), Error> {
    let refused = |what: &str, error: &dyn std::fmt::Display| {
        Error::Input(format!("subscriptions {:?}: recipients: `{what}`: {error}", callouts.custom_id))
    };
    let environment = environment();
    let nothing = context! { entity => context! {}, subscription => callouts.custom_id };
    for rule in &callouts.recipients {
        if let Some(when) = &rule.when {
            check_length(&format!("{{{{{when}}}}}")).map_err(|error| refused("when", &error))?;
            let expression = environment.compile_expression(when).map_err(|error| refused("when", &error))?;
            if let Err(error) = expression.eval(&nothing)
                && can_never_work(&error)
            {
                return Err(refused("when", &error));
            }
        }
        for (what, names) in [("users", &rule.recipients.users), ("groups", &rule.recipients.groups)] {
            for name in names.iter().filter(|name| is_template(name)) {
                check_length(name).map_err(|error| refused(what, &error))?;
                let template =
                    environment.template_from_named_str(what, name).map_err(|error| refused(what, &error))?;
                if let Err(error) = template.render(&nothing)
                    && can_never_work(&error)
                {
                    return Err(refused(what, &error));
                }
            }
        }
    }
    Ok(())
}

/// Whom the entity concerns, or nothing when no rule holds; and what is wrong with the rules. One whose condition cannot be
/// worked out is taken to hold.
pub(super) fn of(callouts: &CallOuts, entity: &Value) -> (Option<Recipients>, Vec<String>) {
    let entity = minijinja::Value::from_serialize(entity);
    let (mut found, mut flaws) = (None, Vec::new());
    for rule in &callouts.recipients {
        match rule.when.as_ref().map_or(Ok(true), |when| holds(when, &entity, &callouts.custom_id)) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => flaws.push(format!("`when`: {error}")),
        }
        let found: &mut Recipients = found.get_or_insert_default();
        let Recipients { users, groups } = &rule.recipients;
        for (what, names, to) in [("users", users, &mut found.users), ("groups", groups, &mut found.groups)] {
            for name in names {
                match named(what, name, &entity, &callouts.custom_id) {
                    Ok(name) if name.is_empty() || to.contains(&name) => {}
                    Ok(name) => to.push(name),
                    Err(error) => flaws.push(format!("recipients: `{what}`: {error}")),
                }
            }
        }
    }
    (found, flaws)
}

/// Whether it is worked out anew for each entity.
pub(crate) fn is_template(name: &str) -> bool {
    name.contains("{{") || name.contains("{%")
}

fn holds(when: &str, entity: &minijinja::Value, subscription: &str) -> Result<bool, minijinja::Error> {
    let environment = environment();
    let expression = environment.compile_expression(when)?;
    Ok(expression.eval(context! { entity => entity, subscription => subscription })?.is_true())
}

fn named(what: &str, name: &str, entity: &minijinja::Value, subscription: &str) -> Result<String, minijinja::Error> {
    if !is_template(name) {
        return Ok(name.to_owned());
    }
    // Longer by one, so that one that was cut is nobody's.
    let name = render(what, name, entity, subscription, 4 * (MAX_NAME_CHARS + 1))?;
    Ok(one_line(&name, MAX_NAME_CHARS + 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::RecipientRule;

    fn rule(when: Option<&str>, users: &[&str], groups: &[&str]) -> RecipientRule {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        RecipientRule {
            when: when.map(str::to_owned),
            recipients: Recipients { users: owned(users), groups: owned(groups) },
        }
    }

    fn of_rules(rules: Vec<RecipientRule>, entity: &Value) -> (Option<(String, String)>, usize) {
        let (found, flaws) = of(&CallOuts { recipients: rules, ..CallOuts::default() }, entity);
        (found.map(|found| (found.users.join(" "), found.groups.join(" "))), flaws.len())
    }

    #[test]
    fn every_rule_that_holds_adds_its_recipients_once() {
        let rules = || {
            vec![
                rule(None, &[], &["all"]),
                rule(Some("entity.region.id == 3"), &["ada"], &["north", "all"]),
                rule(Some("entity.region.id in [4, 5]"), &[], &["south"]),
                rule(Some("entity.type == 'THEFT'"), &["ada", "grace"], &[]),
            ]
        };
        let some = |users: &str, groups: &str| Some((users.to_owned(), groups.to_owned()));
        assert_eq!(of_rules(rules(), &json!({ "region": { "id": 3 } })), (some("ada", "all north"), 0));
        assert_eq!(of_rules(rules(), &json!({ "region": { "id": 5 } })), (some("", "all south"), 0));
        let theft = json!({ "region": { "id": 3 }, "type": "THEFT" });
        assert_eq!(of_rules(rules(), &theft), (some("ada grace", "all north"), 0));
        assert_eq!(of_rules(rules()[1..].to_vec(), &json!({})), (None, 0), "no rule holds");
    }

    #[test]
    fn a_name_can_be_of_the_entity() {
        let names = || vec![rule(None, &["{{ entity.manager }}"], &["region-{{ entity.region.id }}", "dispatch"])];
        let of = |entity: Value| of_rules(names(), &entity);
        let some = |users: &str, groups: &str| Some((users.to_owned(), groups.to_owned()));
        assert_eq!(of(json!({ "region": { "id": 3 }, "manager": " ada\n" })), (some("ada", "region-3 dispatch"), 0));
        assert_eq!(of(json!({})), (some("", "region- dispatch"), 0), "what it does not have is empty");
        let hostile = json!({ "manager": "{{ subscription }}", "region": { "id": "x".repeat(100_000) } });
        let (found, flaws) = of(hostile);
        let (users, groups) = found.unwrap();
        assert_eq!((users.as_str(), flaws), ("{{ subscription }}", 0), "an entity is never a template");
        assert_eq!(groups.split(' ').next().map(str::len), Some(MAX_NAME_CHARS + 1));
    }

    #[test]
    fn in_doubt_a_rule_holds_and_says_so() {
        let rules = vec![
            rule(Some("entity.number + entity.status"), &["ada"], &[]),
            rule(None, &["{{ entity.number + entity.status }}"], &["dispatch"]),
        ];
        let entity = json!({ "number": 5, "status": "ACTIVE" });
        assert_eq!(of_rules(rules, &entity), (Some(("ada".into(), "dispatch".into())), 2));
    }
}
