//! What is read from `relay.toml`, and what is refused with what.

use super::*;
use crate::Kind;

const WHOLE: &str = r#"
    listen = "127.0.0.1:8080"
    callout_window_seconds = 0
    public_url = "https://relay.example.com"

    [[subscriptions]]
    custom_id = "new-employees"
    events = ["entity:employees:created"]
    regions = { within = [3], except = [7] }
    filter = ["status=ACTIVE"]
    include = ["region"]

    [subscriptions.message]
    title = "New: {{ entity.firstName }}"
    event = "shoutout"
    expires_after_hours = 48

    [subscriptions.recipients]
    groups = ["dispatch"]
    when = "entity.region.id == 3"
"#;

const CHANNELS: &str = r#"
    [channels]
    app_id = "traybell"
    key = "a-key"
    secret_file = "channels.secret"
    url = "http://127.0.0.1:6001"
"#;

const SERVER: &str = "database = \"postgres://relay@db.example/relay\"\n";

#[test]
fn relays_share_a_database_unless_the_file_says_there_is_one() {
    let shares = |text: &str| read(text).map(|configuration| configuration.shares_database()).unwrap();
    assert!(!shares(WHOLE));
    assert!(!shares(&format!("{SERVER}single_relay = true\n{WHOLE}")));
    assert!(shares(&format!("{SERVER}{WHOLE}{CHANNELS}")));
}

fn read(text: &str) -> Result<Configuration, Error> {
    Configuration::from_text(text, Path::new("/etc/traybell"))
}

fn refusal(text: &str) -> String {
    read(text).expect_err("it should be refused").to_string()
}

#[test]
fn a_whole_file_becomes_the_options_of_a_server() {
    let configuration = read(WHOLE).unwrap();
    let mut secrets = CallOutSecrets::default();
    secrets.renew("new-employees").unwrap();
    let options = configuration.server_options(&secrets).unwrap();
    assert!(matches!(&options.database, DatabaseAddress::File(path) if path.ends_with("traybell/relay.sqlite")));
    assert_eq!((options.callout_window, options.callouts_per_minute), (Duration::ZERO, 6000));
    let callouts = &options.callouts[0];
    assert_eq!(callouts.header, "TrackTik-Subscription-Secret");
    assert_eq!((callouts.message.kind, callouts.secrets.len()), (Kind::Shoutout, 1));
    assert_eq!(callouts.message.expires_after, Some(Duration::from_hours(48)));
}

#[test]
fn recipients_are_one_table_or_several() {
    let several = "[[subscriptions.recipients]]\ngroups = [\"region-{{ entity.region.id }}\"]\n
        [[subscriptions.recipients]]\nwhen = \"entity.type == 'THEFT'\"\nusers = [\"ada\"]";
    let several = format!("{}{several}", &WHOLE[..WHOLE.find("[subscriptions.recipients]").unwrap()]);
    let mut secrets = CallOutSecrets::default();
    secrets.renew("new-employees").unwrap();
    let rules = |text: &str| read(text).unwrap().server_options(&secrets).unwrap().callouts.remove(0).recipients;
    assert_eq!((rules(WHOLE).len(), rules(WHOLE)[0].recipients.groups.join(" ")), (1, "dispatch".into()));
    let several = rules(&several);
    assert_eq!((several.len(), several[1].recipients.users.join(" ")), (2, "ada".into()));
    assert_eq!(several[1].when.as_deref(), Some("entity.type == 'THEFT'"));
}

#[test]
fn a_file_that_is_missing_is_named_with_its_key() {
    let missing = |text: &str| {
        let options = read(text).and_then(|configuration| configuration.server_options(&CallOutSecrets::default()));
        options.unwrap_err().to_string()
    };
    let listen = "listen = \"127.0.0.1:1\"\n";
    assert!(missing(&format!("{listen}{CHANNELS}")).starts_with("channels.secret_file: cannot use "));
    let server = format!("{SERVER}single_relay = true\ndatabase_password_file = \"no-such\"\n{listen}");
    assert!(missing(&server).starts_with("database_password_file: cannot use "));
    let tracktik = "public_url = \"https://relay.example\"\n[tracktik]\ndomain = \"a.tracktik.com\"\nclient_id = \"c\"\n\
        client_secret_file = \"no-such\"\nusername = \"u\"\npassword_file = \"no-such\"";
    let refused = read(&format!("{listen}{tracktik}")).unwrap().tracktik_client().err().unwrap().to_string();
    assert!(refused.starts_with("tracktik.client_secret_file: cannot use "), "{refused}");
}

#[test]
fn a_subscription_without_a_secret_is_refused_with_the_command_that_makes_one() {
    let refused = read(WHOLE).unwrap().server_options(&CallOutSecrets::default()).unwrap_err().to_string();
    assert!(refused.contains("traybell-relay callouts new-secret new-employees"), "{refused}");
}

#[test]
fn the_example_is_one() {
    let mut secrets = CallOutSecrets::default();
    secrets.renew("new-employees").unwrap();
    let example = read(include_str!("../../packaging/relay.toml")).unwrap();
    let options = example.server_options(&secrets).unwrap();
    assert_eq!((options.retention.read_messages, options.callouts.len()), (Some(365), 1));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_is_expected() {
    let rules = WHOLE.find("[subscriptions.recipients]").unwrap();
    let cases = [
        ("listen = 5", "such as \"127.0.0.1:8080\""),
        ("listen = \"localhost:80\"", "such as \"127.0.0.1:8080\""),
        ("listen = \"127.0.0.1:1\"\npublic_url = \"relay.example\"", "such as \"https://relay.example.com\""),
        ("listen = \"127.0.0.1:1\"\n[retention_days]\nevents = 0", "a number of days, 1 or more"),
        ("listen = \"127.0.0.1:1\"\ncallouts_per_minute = -1", "a whole number, 0 or more"),
        ("listen = \"127.0.0.1:1\"\ntrusted_proxies = \"10.0.0.1\"", "a list, such as"),
        ("listen = \"127.0.0.1:1\"\nchannels = 5", "a table"),
        ("listen = \"127.0.0.1:1\"\nlisten_on = 5", "unknown field `listen_on`"),
        (&WHOLE.replace("new-employees", "new employees"), "no custom_id"),
        (&WHOLE.replace("entity:employees", "entity:employes"), "employees"),
        (&WHOLE.replace("{ within = [3], except = [7] }", "\"some\""), "regions is \"all\""),
        (&WHOLE.replace("{{ entity.firstName }}", "{{ entity."), "title"),
        (&WHOLE.replace("entity.region.id == 3", "entity.region.id =="), "when"),
        (&WHOLE.replace("except", "without"), "regions is \"all\""),
        (&WHOLE.replace("within = [3]", "within = []"), "for all of them say so"),
        (&WHOLE.replace("status=ACTIVE", "whereQL=x"), "query language"),
        (&WHOLE.replace("include = [\"region\"]", "include = [\"a b\"]"), "names a field that cannot be one"),
        (&WHOLE.replace("include", "suspended = \" \"\ninclude"), "the reason why"),
        (&format!("{WHOLE}\n[tracktik]\ndomain = 5"), "domain"),
        (&format!("{WHOLE}\n{CHANNELS}\ncluster = \"eu\""), "either cluster"),
        (&format!("{WHOLE}\n{CHANNELS}").replace("http://127.0.0.1:6001", "http://10.0.0.1"), "unencrypted"),
        (&format!("{WHOLE}\n{CHANNELS}").replace(":6001", ":6001/app"), "without a path"),
        (&format!("{WHOLE}\n{CHANNELS}").replace("\"traybell\"", "\"a/b\""), "letters, digits"),
        (&format!("[[callouts]]\n{WHOLE}"), "unknown field `callouts`"),
        (&WHOLE.replace("\"dispatch\"", ""), "nobody would get its messages"),
        (&format!("{}[[subscriptions.recipients]]\nwhen = \"true\"", &WHOLE[..rules]), "nobody would get its messages"),
        (&WHOLE.replace("when =", "if ="), "unknown field `if`"),
        (&format!("{SERVER}{WHOLE}"), "single_relay = true if this is the only one"),
        (&format!("secrets = \"keyring\"\n{SERVER}{WHOLE}{CHANNELS}"), "a keyring is of one machine"),
        (&WHOLE.replace("\"dispatch\"", "\"site-{{ entity\""), "groups"),
        (&WHOLE.replace("= 48", "= 0"), "expires_after_hours"),
        (&WHOLE.replace("event = \"shoutout\"", "event = \"scream\""), "unknown variant `scream`"),
        (&WHOLE.replace("event = \"shoutout\"", "link_text = \"Go\""), "without message.link"),
        (&format!("{WHOLE}\n{}", &WHOLE[WHOLE.find("[[").unwrap()..]), "two have this custom_id"),
    ];
    for (text, expected) in cases {
        let refused = refusal(text);
        assert!(refused.contains(expected), "{refused:?} should say {expected:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("relay.toml");
    assert!(std::process::Command::new("mkfifo").arg("-m600").arg(&pipe).status().unwrap().success());
    for other in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
        let refused = Configuration::read(other).unwrap_err().to_string();
        assert!(refused.contains("is no file"), "{refused}");
        let refused = SecretsPlace::File(other.to_owned()).read().err().unwrap().to_string();
        assert!(refused.contains("it is no file"), "{refused}");
    }
    assert!(read_secret_of("key", &pipe).unwrap_err().to_string().contains("is no file"));
}
