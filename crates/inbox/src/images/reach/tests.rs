//! Which addresses a picture may come from.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn only_public_addresses_are_public() {
    for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2001:4860:4860::8888", "64:ff9b::101:101"] {
        assert!(is_public(public.parse().unwrap()), "{public}");
    }
    for special in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "250.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fec0::1",
    ] {
        assert!(!is_public(special.parse().unwrap()), "{special}");
    }
}

#[test]
fn an_account_on_the_web_reaches_the_public_web_alone_and_encrypted() {
    for server in [None, Some(url("https://notifications.example"))] {
        let reach = Reach::new(server.as_ref(), false);
        assert_eq!(reach.judge(&url("https://cdn.example/a.png")), Ok(()));
        assert_eq!(reach.judge(&url("https://1.1.1.1/a.png")), Ok(()));
        for refused in [
            "http://cdn.example/a.png",
            "https://localhost/a.png",
            "https://x.localhost./a.png",
            "https://127.0.0.1/a.png",
            "https://2130706433/a.png",
            "https://0x7f.1/a.png",
            "https://[::1]/a.png",
            "https://[::ffff:127.0.0.1]/a.png",
            "https://[::ffff:10.0.0.1]/a.png",
            "https://192.168.0.1/a.png",
            "https://169.254.169.254/latest/meta-data",
            "https://user:password@cdn.example/a.png",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
            "ftp://cdn.example/a.png",
        ] {
            assert!(reach.judge(&url(refused)).is_err(), "{refused}");
        }
    }
}

#[test]
fn an_account_on_loopback_reaches_loopback_unencrypted_but_no_other_private_network() {
    let reach = Reach::new(Some(&url("http://127.0.0.1:4000")), false);
    for allowed in
        ["http://127.0.0.1:4000/a.png", "http://localhost:9/a.png", "http://[::1]/a.png", "https://cdn.example/"]
    {
        assert_eq!(reach.judge(&url(allowed)), Ok(()), "{allowed}");
    }
    for refused in ["http://cdn.example/a.png", "https://192.168.0.1/a.png", "http://10.0.0.1/a.png"] {
        assert!(reach.judge(&url(refused)).is_err(), "{refused}");
    }
}

#[test]
fn a_server_on_a_private_network_is_reached_itself_and_nothing_beside_it() {
    let server = url("http://10.1.2.3:8080");
    let confirmed = Reach::new(Some(&server), true);
    assert_eq!(confirmed.judge(&url("http://10.1.2.3:8080/a.png")), Ok(()));
    for refused in
        ["http://10.1.2.3/a.png", "http://10.1.2.4:8080/a.png", "https://10.1.2.3:22/", "http://127.0.0.1:8080/"]
    {
        assert!(confirmed.judge(&url(refused)).is_err(), "{refused}");
    }
    assert!(Reach::new(Some(&server), false).judge(&url("http://10.1.2.3:8080/a.png")).is_err(), "not confirmed");
}

#[test]
fn a_name_is_judged_by_all_it_resolves_to_and_a_proxys_name_is_not() {
    let names = Arc::new(GuardedNames::new(Reach::new(Some(&url("https://inside.example")), false)));
    let at = |address: &str| vec![SocketAddr::new(address.parse().unwrap(), 0)];
    let mixed = [at("1.1.1.1"), at("10.0.0.1")].concat();

    assert!(names.check("proxy.example", at("10.0.0.9")).is_ok(), "no picture's name");
    let guard = names.guard(&url("https://CDN.example/a.png"));
    assert!(names.check("cdn.example", at("1.1.1.1")).is_ok());
    assert!(names.check("cdn.example", at("127.0.0.1")).is_err());
    assert!(names.check("cdn.example", at("::ffff:10.0.0.1")).is_err());
    assert!(names.check("cdn.example", mixed).is_err());
    assert!(names.check("proxy.example", at("10.0.0.9")).is_ok());
    drop(guard);
    assert!(names.with(|targets| targets.is_empty()), "a name is guarded as long as it is asked for");

    let _own = names.guard(&url("https://inside.example/a.png"));
    assert!(names.check("inside.example", at("10.0.0.1")).is_ok(), "the account's own server");
    let _beside = names.guard(&url("https://inside.example:8443/a.png"));
    assert!(names.check("inside.example", at("10.0.0.1")).is_err(), "the stricter of two holds");
}
