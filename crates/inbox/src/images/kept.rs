//! The pictures fetched lately, in memory, so that scrolling fetches nothing twice. Bounded; nothing is written to disk.

use std::collections::VecDeque;

use super::Picture;

/// All kept pictures together, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The pictures fetched lately, the one used last at the end.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pictures: VecDeque<(String, Picture)>,
    bytes: usize,
}

impl Kept {
    /// The picture of this address, which is then the one used last.
    pub(super) fn get(&mut self, address: &str) -> Option<Picture> {
        let at = self.pictures.iter().position(|(known, _)| known == address)?;
        let entry = self.pictures.remove(at)?;
        let picture = entry.1.clone();
        self.pictures.push_back(entry);
        Some(picture)
    }

    /// Keeps a picture; those unused for longest make room.
    pub(super) fn put(&mut self, address: &str, picture: &Picture) {
        if let Some(at) = self.pictures.iter().position(|(known, _)| known == address) {
            self.drop_at(at);
        }
        self.bytes += picture.bytes.len();
        self.pictures.push_back((address.to_owned(), picture.clone()));
        while self.bytes > MAX_BYTES && self.pictures.len() > 1 {
            self.drop_at(0);
        }
    }

    fn drop_at(&mut self, at: usize) {
        if let Some((_, gone)) = self.pictures.remove(at) {
            self.bytes -= gone.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(megabytes: usize) -> Picture {
        Picture { bytes: vec![0; megabytes * 1024 * 1024], content_type: "image/png" }
    }

    #[test]
    fn the_picture_unused_for_longest_makes_room() {
        let mut kept = Kept::default();
        for address in ["a", "b", "c"] {
            kept.put(address, &of(5));
        }
        assert!(kept.get("a").is_some(), "used last now");
        kept.put("d", &of(5));
        assert!(kept.get("b").is_none());
        assert!(kept.get("a").is_some() && kept.get("c").is_some() && kept.get("d").is_some());
        assert_eq!(kept.bytes, 15 * 1024 * 1024);
    }

    #[test]
    fn a_picture_put_again_counts_once() {
        let mut kept = Kept::default();
        kept.put("a", &of(5));
        kept.put("a", &of(4));
        assert_eq!(kept.bytes, 4 * 1024 * 1024);
        assert_eq!(kept.get("a").unwrap().bytes.len(), 4 * 1024 * 1024);
    }
}
