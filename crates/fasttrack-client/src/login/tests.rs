//! The three outcomes of a log-in, as a table.

use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;
use url::Url;

use super::*;
use crate::arbitrary::any_json;

fn outcome(status: u16, body: &str) -> Result<SignedIn, LoginError> {
    let url = Url::parse("https://h.example/").expect("an address");
    judge(&Reply::new(url, status, &HeaderMap::new(), body.as_bytes()), &SecretString::from("the-sid"))
}

fn vendor(authentication: &Value, user: &Value) -> String {
    let data = json!({"JwtToken": "jwt", "Authentication": authentication, "User": user});
    json!({"Data": data, "Success": true, "Errors": null}).to_string()
}

fn darth() -> Value {
    json!({"UserId": 123, "BrandId": 45, "IsTestUser": false, "Firstname": "Darth", "Lastname": "Vader"})
}

fn token(outcome: Result<SignedIn, LoginError>) -> Option<String> {
    outcome.ok().map(|signed_in| signed_in.token.expose_secret().to_owned())
}

#[test]
fn the_vendors_sample_signs_in_with_either_spelling() {
    for key in ["IsAuthenticated:", "IsAuthenticated"] {
        let signed_in = outcome(200, &vendor(&json!({key: true, "AuthToken": "the-token"}), &darth())).expect(key);
        assert_eq!(signed_in.token.expose_secret(), "the-token", "{key}");
        let expected = User {
            user_id: "123".into(),
            brand_id: "45".into(),
            first_name: "Darth".into(),
            last_name: "Vader".into(),
            is_test: false,
        };
        assert_eq!(signed_in.user, expected, "{key}");
    }
}

#[test]
fn ids_may_be_texts_and_names_may_be_missing() {
    let user = json!({"UserId": "a-1", "BrandId": "45", "Firstname": null, "IsTestUser": "true"});
    let user = outcome(200, &vendor(&json!({"IsAuthenticated": "true"}), &user)).expect("signed in").user;
    assert_eq!((user.user_id.as_str(), user.brand_id.as_str(), user.first_name.as_str()), ("a-1", "45", ""));
    assert!(user.is_test);
}

#[test]
fn the_session_id_stands_in_for_a_missing_token() {
    for missing in [
        json!({"IsAuthenticated": true}),
        json!({"AuthToken": "", "IsAuthenticated": true}),
        json!({"AuthToken": null}),
    ] {
        assert_eq!(token(outcome(200, &vendor(&missing, &darth()))).as_deref(), Some("the-sid"), "{missing}");
    }
}

#[test]
fn the_server_says_no() {
    let no = |status: u16, body: &str| match outcome(status, body) {
        Err(LoginError::Rejected { message }) => message,
        Err(other) => panic!("{status} {body}: {other:?}"),
        Ok(_) => panic!("{status} {body}: signed in"),
    };
    assert_eq!(no(401, ""), "Unauthorized");
    assert_eq!(no(403, "<html>"), "Forbidden");
    let failed =
        r#"{"Data":null,"Success":false,"Errors":[{"Message":"Session expired","Error":"E","ErrorCodeID":3}]}"#;
    assert_eq!(no(200, failed), "Session expired");
    assert_eq!(no(400, failed), "Session expired");
    assert_eq!(no(200, r#"{"Success":"false"}"#), "the server did not accept it");
    assert_eq!(
        no(200, &vendor(&json!({"IsAuthenticated:": false, "AuthToken": "x"}), &darth())),
        "it is not authenticated"
    );
    assert_eq!(no(200, &vendor(&json!({"IsAuthenticated": 0}), &json!(null))), "it is not authenticated");
}

#[test]
fn everything_else_says_nothing_about_the_session_id() {
    let cases = [
        (200, "<html>log in to the wifi</html>".to_owned()),
        (200, String::new()),
        (200, "[]".to_owned()),
        (200, "null".to_owned()),
        (200, json!({"Data": "x", "Success": true}).to_string()),
        (200, vendor(&json!({"IsAuthenticated": true}), &json!(null))),
        (200, vendor(&json!({"IsAuthenticated": true}), &json!({"UserId": 0, "BrandId": 45}))),
        (200, vendor(&json!({"IsAuthenticated": true}), &json!({"UserId": "1 2/..", "BrandId": 45}))),
        (200, vendor(&json!({"IsAuthenticated": true, "AuthToken": "line\nbreak"}), &darth())),
        (400, "Bad Request".to_owned()),
        (404, String::new()),
        (408, r#"{"Success":false}"#.to_owned()),
        (429, r#"{"Success":false}"#.to_owned()),
        (500, r#"{"Success":false}"#.to_owned()),
        (503, String::new()),
        (302, String::new()),
    ];
    for (status, body) in cases {
        let outcome = outcome(status, &body);
        assert!(matches!(outcome, Err(LoginError::Unreachable { .. })), "{status} {body}: {:?}", outcome.err());
    }
}

#[test]
fn a_secret_header_is_sensitive_and_holds_no_line_break() {
    let header = secret_header(&SecretString::from("the-sid")).expect("a header");
    assert_eq!(format!("{header:?}"), "Sensitive");
    assert!(secret_header(&SecretString::from("a\r\nb: c")).is_none());
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(status in 100_u16..600, answer in any_json()) {
        let _ = outcome(status, &answer.to_string());
    }

    #[test]
    fn no_user_gets_a_channel_name_of_other_characters(authentication in any_json(), user in any_json()) {
        if let Ok(signed_in) = outcome(200, &vendor(&authentication, &user)) {
            let ids = format!("{}{}", signed_in.user.user_id, signed_in.user.brand_id);
            prop_assert!(ids.chars().all(|c| c.is_ascii_alphanumeric() || "-_=@,.;".contains(c)), "{}", ids);
        }
    }
}
