//! What kind of picture some bytes are, and how many pixels they unfold to: read from the bytes themselves, whatever
//! their server says. Only what every webview shows, and nothing that can hold a script (SVG).

/// More pixels than this are refused: a small file can unfold to all the memory there is.
const MAX_PIXELS: u64 = 40_000_000;

/// The content type, for PNG, JPEG, GIF and WebP.
pub(super) fn of(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some("image/jpeg")
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

/// Whether it unfolds to a number of pixels that can be shown. One whose size cannot be read is no picture.
pub(super) fn has_sane_size(bytes: &[u8], content_type: &str) -> bool {
    let size = match content_type {
        "image/png" => big(bytes, 16, 4).zip(big(bytes, 20, 4)),
        "image/gif" => little(bytes, 6, 2).zip(little(bytes, 8, 2)),
        "image/webp" => webp(bytes),
        _ => jpeg(bytes),
    };
    size.is_some_and(|(width, height)| {
        width > 0 && height > 0 && width.checked_mul(height).is_some_and(|pixels| pixels <= MAX_PIXELS)
    })
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

/// The first chunk of a WebP file: extended, lossless or lossy.
fn webp(bytes: &[u8]) -> Option<(u64, u64)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8L" => {
            let packed = little(bytes, 21, 4)?;
            Some(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
        }
        b"VP8 " => Some((little(bytes, 26, 2)? & 0x3FFF, little(bytes, 28, 2)? & 0x3FFF)),
        _ => None,
    }
}

/// The frame header of a JPEG file, after any number of other segments.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        match *bytes.get(at + 1)? {
            // A fill byte before a marker.
            0xFF => at += 1,
            // Markers that stand alone.
            0x01 | 0xD0..=0xD8 => at += 2,
            // Frame headers, but for the three tables that share their range.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            // The picture's data, or its end: no frame header came.
            0xD9 | 0xDA => return None,
            _ => at = at.checked_add(2)?.checked_add(usize::try_from(big(bytes, at + 2, 2)?).ok()?)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"]
            .concat()
    }

    #[test]
    fn the_four_kinds_are_told_by_their_bytes() {
        assert_eq!(of(&png(1, 1)), Some("image/png"));
        assert_eq!(of(b"\xFF\xD8\xFF\xE0"), Some("image/jpeg"));
        assert_eq!(of(b"GIF89a"), Some("image/gif"));
        assert_eq!(of(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [&b"<svg xmlns=\"http://www.w3.org/2000/svg\">"[..], b"<html>", b"RIFF\0\0\0\0WAVE", b"BM", b""] {
            assert_eq!(of(other), None);
        }
    }

    #[test]
    fn a_small_file_that_unfolds_to_too_many_pixels_is_refused() {
        assert!(has_sane_size(&png(4000, 3000), "image/png"));
        assert!(!has_sane_size(&png(60_000, 60_000), "image/png"));
        assert!(!has_sane_size(&png(u32::MAX, u32::MAX), "image/png"));
        assert!(!has_sane_size(&png(0, 10), "image/png"));
        assert!(!has_sane_size(b"\x89PNG\r\n\x1a\n", "image/png"), "cut before its size");
    }

    #[test]
    fn sizes_of_the_other_kinds_are_read() {
        assert!(has_sane_size(b"GIF89a\x40\x01\xF0\0", "image/gif"));
        assert!(!has_sane_size(b"GIF89a\xFF\xFF\xFF\xFF", "image/gif"));
        let jpeg = |height: [u8; 2]| {
            [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC2, 0, 17, 8][..], &height, &[0x10, 0]].concat()
        };
        assert!(has_sane_size(&jpeg([0, 9]), "image/jpeg"));
        assert!(!has_sane_size(&jpeg([0xFF, 0xFF]), "image/jpeg"));
        assert!(!has_sane_size(&[0xFF, 0xD8, 0xFF, 0xDA], "image/jpeg"));
        assert!(!has_sane_size(&[0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF], "image/jpeg"));
        assert!(has_sane_size(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0F\0\0\x0F\0\0", "image/webp"));
        assert!(!has_sane_size(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF", "image/webp"));
        assert!(has_sane_size(b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x0F\xC0\x03\0", "image/webp"));
        assert!(has_sane_size(b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x10\0\x10\0", "image/webp"));
    }
}
