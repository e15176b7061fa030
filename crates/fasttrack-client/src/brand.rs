//! The name of a brand: what may be typed for it.
//!
//! It is part of an address, so what would change the address's meaning never gets into it.

use crate::error::Error;

/// More than any brand's name has.
const LONGEST: usize = 128;

/// The brand's name without the blanks around it.
///
/// # Errors
/// [`Error::Input`] when it is empty, too long, or holds what no name holds (a pasted address, a line break).
pub fn brand_name(typed: &str) -> Result<String, Error> {
    let name = typed.trim();
    if name.is_empty() {
        return Err(Error::input("the brand's name is missing"));
    }
    if name.chars().count() > LONGEST {
        return Err(Error::input(format!("the brand's name is longer than {LONGEST} characters")));
    }
    let forbidden =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '?' | '#' | '%' | ':' | '@');
    if name == "." || name == ".." || name.contains(forbidden) {
        return Err(Error::input("the brand's name is one word, as the operator gave it, and not an address"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_is_one_word() {
        for name in ["demo", "my-brand_2", "brand.com", "bränd", "a&b"] {
            assert_eq!(brand_name(&format!(" {name}\n")).as_deref(), Ok(name));
        }
        let long = "x".repeat(LONGEST + 1);
        for name in ["", "  ", ".", "..", "a/b", "a\\b", "a?b", "a#b", "a b", "a\u{0}b", "a%2fb", "https://x", &long] {
            assert!(matches!(brand_name(name), Err(Error::Input { .. })), "{name:?}");
        }
    }
}
