//! That the conformance checklist is complete: every item has a test of its number, and a line in the README.

use std::collections::BTreeSet;

#[test]
fn every_item_of_the_checklist_has_a_test_and_a_line_in_the_readme() {
    let sources = [
        include_str!("channels.rs"),
        include_str!("client_events.rs"),
        include_str!("connection.rs"),
        include_str!("encrypted.rs"),
        include_str!("network.rs"),
        include_str!("presence.rs"),
        include_str!("protocol.rs"),
        include_str!("proxies.rs"),
        include_str!("tls.rs"),
        include_str!("user.rs"),
    ];
    let tested: BTreeSet<u8> = sources.iter().flat_map(|source| numbers_after(source, "fn item_", 2)).collect();
    assert_eq!(tested, (1..=48).collect(), "tests");
    let readme = include_str!("../../README.md").split("\n## ").find(|section| section.starts_with("Conformance"));
    let listed: Vec<u8> =
        readme.unwrap().lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(listed, (1..=48).collect::<Vec<_>>(), "lines");
}

fn numbers_after<'a>(text: &'a str, mark: &'a str, digits: usize) -> impl Iterator<Item = u8> + 'a {
    text.split(mark).skip(1).filter_map(move |rest| rest.get(..digits)?.parse().ok())
}
