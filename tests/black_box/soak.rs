//! The soak in its short form: every trouble once. `cargo xtask soak` goes on for as long as one likes.

use traybell_tests::soak::{self, Length};

#[tokio::test]
async fn nothing_is_lost_or_told_twice_whatever_goes_wrong_once() {
    let report = soak::run(4, Length::OneOfEach, |trouble| println!("… {trouble}")).await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
