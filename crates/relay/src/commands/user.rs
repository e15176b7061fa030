//! `traybell-relay user …`: the people. A session id is printed once, where it is made.

use clap::{Args, Subcommand};
use relay::{Configuration, Listed, NewUser, UserUpdate, Users};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{ConfigurationArgument, print};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user and print what to sign in with. The session id is shown this once: only a digest of it is kept.
    Add(AddArguments),
    /// List the devices that a user has signed in on with a code.
    Devices(DevicesArguments),
    /// List the users.
    List(ListArguments),
    /// Print a code that signs a user in once within ten minutes, in the place of a session id.
    Pair(OneArguments),
    /// Remove a user, with all messages.
    Remove(OneArguments),
    /// Sign one device of a user out, for instance one that was lost; the others stay signed in.
    RemoveDevice(RemoveDeviceArguments),
    /// Give a user a new session id; the old one signs in no more, nor does any of the user's devices.
    Rotate(OneArguments),
    /// Change a user's names or groups. What is not given stays as it is.
    Update(UpdateArguments),
}

#[derive(Debug, Args)]
pub struct AddArguments {
    #[command(flatten)]
    one: OneArguments,
    /// First name, as the desktop shows it
    #[arg(long, value_name = "TEXT", default_value = "")]
    first_name: String,
    /// Last name
    #[arg(long, value_name = "TEXT", default_value = "")]
    last_name: String,
    /// A group the user is in; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
}

#[derive(Debug, Args)]
pub struct UpdateArguments {
    #[command(flatten)]
    one: OneArguments,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// First name, as the desktop shows it
    #[arg(long, value_name = "TEXT")]
    first_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "TEXT")]
    last_name: Option<String>,
    /// A group the user is in from now on, in the place of all before; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// Take the user out of all groups
    #[arg(long, conflicts_with = "groups")]
    no_groups: bool,
}

impl From<Changes> for UserUpdate {
    fn from(Changes { first_name, last_name, groups, no_groups }: Changes) -> Self {
        Self { first_name, last_name, groups: (no_groups || !groups.is_empty()).then_some(groups) }
    }
}

#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,
    // Not a doc comment, as in `demo`.
    #[arg(long, help = "Print JSON: [{id, brand, name, first_name, last_name, groups, channel, can_sign_in, unread}]")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct DevicesArguments {
    #[command(flatten)]
    one: OneArguments,
    #[arg(long, help = "Print JSON: [{id, paired}]")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct RemoveDeviceArguments {
    #[command(flatten)]
    one: OneArguments,
    /// The device, as `user devices` shows it
    #[arg(long, value_name = "ID")]
    device: String,
}

#[derive(Debug, Args)]
pub struct OneArguments {
    /// The user's name
    name: String,
    /// The brand the user signs in to
    #[arg(long, value_name = "NAME")]
    brand: String,
    #[command(flatten)]
    configuration: ConfigurationArgument,
}

pub async fn user(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add(AddArguments { one, first_name, last_name, groups }) => {
            let OneArguments { name, brand, configuration } = one;
            let configuration = configuration.read()?;
            let users = Users::open(configuration.database()).await?;
            let (_, sid) = users.add(NewUser { brand: brand.clone(), name, first_name, last_name, groups }).await?;
            print_sign_in(&configuration, &brand, &sid)
        }
        UserCommand::Devices(DevicesArguments { one: OneArguments { name, brand, configuration }, json }) => {
            let devices = open(&configuration).await?.1.devices(&brand, &name).await?;
            if json {
                let listed: Vec<_> =
                    devices.iter().map(|one| json!({ "id": one.id, "paired": one.paired.to_string() })).collect();
                return print(&format!("{}\n", json!(listed)));
            }
            let header = format!("{:<12}  PAIRED\n", "DEVICE");
            let rows = devices.iter().map(|one| format!("{:<12}  {}\n", one.id, one.paired));
            print(&std::iter::once(header).chain(rows).collect::<String>())
        }
        UserCommand::RemoveDevice(RemoveDeviceArguments { one, device }) => {
            let OneArguments { name, brand, configuration } = one;
            open(&configuration).await?.1.remove_device(&brand, &name, &device).await?;
            print(&format!("The device {device} of {name} signs in no more.\n"))
        }
        UserCommand::List(ListArguments { configuration, json }) => {
            let listed = open(&configuration).await?.1.list().await?;
            print(&if json { as_json(&listed) } else { as_table(&listed) })
        }
        UserCommand::Pair(OneArguments { name, brand, configuration }) => {
            let (configuration, users) = open(&configuration).await?;
            let (code, environment) = (users.pair(&brand, &name).await?, configuration.own_url());
            let link = sign_in_link(&environment, &brand, &code)?;
            print(&format!(
                "Environment   {environment}\nBrand         {brand}\nPairing code  {}\nLink          {link}\n\nIt is good once, for ten \
                 minutes. The link opens Traybell with all of it filled in.\n",
                code.expose_secret()
            ))
        }
        UserCommand::Remove(OneArguments { name, brand, configuration }) => {
            open(&configuration).await?.1.remove(&brand, &name).await?;
            print(&format!("{name} of {brand} is removed, with all messages.\n"))
        }
        UserCommand::Rotate(OneArguments { name, brand, configuration }) => {
            let (configuration, users) = open(&configuration).await?;
            let sid = users.rotate(&brand, &name).await?;
            print_sign_in(&configuration, &brand, &sid)
        }
        UserCommand::Update(UpdateArguments { one: OneArguments { name, brand, configuration }, changes }) => {
            open(&configuration).await?.1.update(&brand, &name, changes.into()).await?;
            print(&format!("{name} of {brand} is changed.\n"))
        }
    }
}

async fn open(argument: &ConfigurationArgument) -> anyhow::Result<(Configuration, Users)> {
    let configuration = argument.read()?;
    let users = Users::open_existing(configuration.database()).await?;
    Ok((configuration, users))
}

/// What opens the desktop app with its form filled in.
fn sign_in_link(environment: &str, brand: &str, code: &SecretString) -> anyhow::Result<url::Url> {
    let parameters = [("environment", environment), ("brand", brand), ("code", code.expose_secret())];
    Ok(url::Url::parse_with_params("traybell://sign-in", parameters)?)
}

fn print_sign_in(configuration: &Configuration, brand: &str, sid: &SecretString) -> anyhow::Result<()> {
    let (environment, sid) = (configuration.own_url(), sid.expose_secret());
    print(&format!(
        "Environment  {environment}\nBrand        {brand}\nSession id   {sid}\n\nThe session id is not shown again.\n"
    ))
}

fn as_json(listed: &[Listed]) -> String {
    let users: Vec<_> = listed
        .iter()
        .map(|Listed { user, name, groups, can_sign_in, unread }| {
            json!({
                "id": user.id, "brand": user.brand, "name": name, "first_name": user.first_name,
                "last_name": user.last_name, "groups": groups, "channel": user.channel(), "can_sign_in": can_sign_in,
                "unread": unread,
            })
        })
        .collect();
    format!("{}\n", json!(users))
}

fn as_table(listed: &[Listed]) -> String {
    let header = format!("{:<20}  {:<20}  {:<28}  {:>6}  GROUPS\n", "BRAND", "NAME", "PERSON", "UNREAD");
    let rows = listed.iter().map(|Listed { user, name, groups, can_sign_in, unread }| {
        let (brand, name) = (&user.brand, name.as_deref().unwrap_or("-"));
        let (person, groups) = (format!("{} {}", user.first_name, user.last_name), groups.join(", "));
        let expired = if *can_sign_in { "" } else { "  (session id expired)" };
        format!("{brand:<20}  {name:<20}  {person:<28}  {unread:>6}  {groups}{expired}\n")
    });
    std::iter::once(header).chain(rows).collect()
}
