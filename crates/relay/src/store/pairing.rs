//! Pairing codes, each good for one log-in within ten minutes, and the session ids that are given for them: a user may have
//! several, one for each device.

use jiff::{SignedDuration, Timestamp};

use super::{
    Database, User, params,
    users::{held_user, hold_user_alone, void},
};
use crate::Error;

/// How long a code is good.
const GOOD: SignedDuration = SignedDuration::from_mins(10);
/// Letters and digits that nobody takes for another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

impl Database {
    /// Makes a code for the user; an earlier one is void.
    pub(crate) fn add_pairing_code(&mut self, user_id: i64, now: Timestamp) -> Result<String, Error> {
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random)?;
        let code: String = random.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect();
        let (digest, until) = (self.digest(&code), now.saturating_add(GOOD)?);
        let mut transaction = self.connection.transaction()?;
        hold_user_alone(&mut transaction, user_id)?;
        transaction.execute("DELETE FROM pairing_codes WHERE user_id = ?1", params![user_id])?;
        let insert = "INSERT INTO pairing_codes (digest, user_id, expires) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![digest, user_id, until.as_second()])?;
        transaction.commit()?;
        Ok(format!("{}-{}", &code[..LENGTH / 2], &code[LENGTH / 2..]))
    }

    /// Takes a code in for a new session id of its user; nothing when it is none, or is not good any more.
    pub(crate) fn pair(&mut self, text: &str, now: Timestamp) -> Result<Option<(User, String)>, Error> {
        let Some(code) = read_code(text) else { return Ok(None) };
        let digest = self.digest(&code);
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let sid = hex::encode(random);
        let sid_digest = self.digest(&sid);
        let mut transaction = self.connection.transaction()?;
        let by_code = "users.id = (SELECT user_id FROM pairing_codes WHERE digest = ?1)";
        let Some(user) = held_user(&mut transaction, by_code, digest.clone())? else { return Ok(None) };
        let take = "DELETE FROM pairing_codes WHERE digest = ?1 RETURNING expires";
        let expires = transaction.query_one(take, params![digest], |row| row.get::<i64>(0))?;
        let is_good = expires.is_some_and(|expires| expires > now.as_second());
        if is_good {
            let insert = "INSERT INTO device_sids (digest, user_id, created) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, params![sid_digest, user.id, now.as_second()])?;
        }
        transaction.commit()?;
        Ok(is_good.then_some((user, sid)))
    }
}

/// A device that signed in with a code, and has a session id of its own since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What it is called on the command line; it says nothing about the session id.
    pub id: String,
    /// When it signed in with the code.
    pub paired: Timestamp,
}

/// Digits of the digest that a device is called by.
const ID_LENGTH: usize = 10;

impl Database {
    /// The user's devices, the latest first.
    pub(crate) fn devices(&mut self, user_id: i64) -> Result<Vec<Device>, Error> {
        let query = "SELECT digest, created FROM device_sids WHERE user_id = ?1 ORDER BY created DESC, digest";
        self.connection.query(query, params![user_id], |row| {
            let paired = Timestamp::from_second(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(Device { id: device_id(&row.get::<Vec<u8>>(0)?), paired })
        })
    }

    /// Voids the session id of one device, and the user's tokens, of which nobody knows which is whose: the others log in
    /// again by themselves. Whoever listens on the user's channel is to sign in anew.
    pub(crate) fn remove_device(&mut self, user_id: i64, id: &str, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.connection.transaction()?;
        hold_user_alone(&mut transaction, user_id)?;
        let query = "SELECT digest FROM device_sids WHERE user_id = ?1";
        let digests = transaction.query(query, params![user_id], |row| row.get::<Vec<u8>>(0))?;
        let Some(digest) = digests.into_iter().find(|digest| device_id(digest) == id) else {
            return Err(Error::Input(format!("the user has no device {id:?}; `user devices` shows those there are")));
        };
        transaction.execute("DELETE FROM device_sids WHERE digest = ?1", params![digest])?;
        transaction.execute("DELETE FROM tokens WHERE user_id = ?1", params![user_id])?;
        void(&mut transaction, user_id, now)?;
        transaction.commit()
    }
}

fn device_id(digest: &[u8]) -> String {
    hex::encode(digest).chars().take(ID_LENGTH).collect()
}

/// The code as it was made, however it was typed: in small letters, without the dash, with an O for a 0.
fn read_code(text: &str) -> Option<String> {
    let typed = text.chars().filter(|letter| !matches!(letter, '-' | ' '));
    let code: String = typed
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    let is_code = code.len() == LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["A0B1-CDEF", "a0b1cdef", "AOBL CDEF", "aoBi-cdEF"] {
            assert_eq!(read_code(typed).as_deref(), Some("A0B1CDEF"), "{typed}");
        }
        for other in ["", "A0B1-CDE", "A0B1-CDEFG", "A0B1-CDEU", "the-session-id-of-darth"] {
            assert_eq!(read_code(other), None, "{other}");
        }
    }

    #[test]
    fn a_code_is_good_once_and_for_ten_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let first = database.add_pairing_code(user.id, at(0)).unwrap();
        let code = database.add_pairing_code(user.id, at(0)).unwrap();
        assert!(database.pair(&first, at(1)).unwrap().is_none(), "a later one voids it");
        let (paired, sid) = database.pair(&code, at(599)).unwrap().expect("it is good");
        assert_eq!((paired, sid.len()), (user.clone(), 64));
        assert!(database.pair(&code, at(599)).unwrap().is_none(), "it was good once");
        let late = database.add_pairing_code(user.id, at(0)).unwrap();
        assert!(database.pair(&late, at(600)).unwrap().is_none());
    }

    #[test]
    fn a_device_is_removed_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::open(&folder.path().join("relay.sqlite")).unwrap();
        let user = database.add_user("demo", "sid-of-darth", "Darth", "Vader").unwrap();
        let other = database.add_user("demo", "sid-of-luke", "Luke", "Skywalker").unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut pair = |user_id, second| {
            let code = database.add_pairing_code(user_id, at(second)).unwrap();
            database.pair(&code, at(second)).unwrap().unwrap().1
        };
        let (lost, kept, of_other) = (pair(user.id, 10), pair(user.id, 20), pair(other.id, 30));
        let devices = database.devices(user.id).unwrap();
        assert_eq!(devices.iter().map(|device| device.paired).collect::<Vec<_>>(), [at(20), at(10)]);
        let removed = &devices[1].id;
        assert!(!lost.contains(removed), "it tells nothing of the session id");
        assert!(database.remove_device(other.id, removed, at(40)).is_err(), "it is another user's");
        database.remove_device(user.id, removed, at(40)).unwrap();
        assert_eq!(database.devices(user.id).unwrap(), devices[..1]);
        let mut logs_in =
            |sid: &str| database.log_in(sid, std::time::Duration::from_secs(9), at(50)).unwrap().is_some();
        assert!(!logs_in(&lost));
        assert!(logs_in(&kept) && logs_in(&of_other) && logs_in("sid-of-darth"));
        assert_eq!(database.voided().unwrap().len(), 1);
    }
}
