//! The tray icon, composed at run time of layers: the base, a state dot at the lower right, a number badge at the upper
//! right. Pure: the same input gives the same pixels. It must never say anything by colour alone that the menu does not
//! say in words.

use image::{Rgba, RgbaImage};
use inbox::Dot;

/// Sample points a pixel and axis, for smooth edges.
const SAMPLES: u32 = 4;
/// The icon is drawn on a grid of this many units, whatever its size.
const GRID: f32 = 64.0;

const AMBER: Rgba<u8> = Rgba([0xf5, 0x9e, 0x0b, 0xff]);
const GREY: Rgba<u8> = Rgba([0x9c, 0xa3, 0xaf, 0xff]);
const RED: Rgba<u8> = Rgba([0xdc, 0x26, 0x26, 0xff]);
const WHITE: Rgba<u8> = Rgba([0xff, 0xff, 0xff, 0xff]);

/// A circle cut in two by a box: a pill, or a plain circle when it is as wide as high.
#[derive(Clone, Copy)]
struct Pill {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

impl Pill {
    /// Whether a point lies within, `grown` by so many units.
    fn holds(self, x: f32, y: f32, grown: f32) -> bool {
        let radius = self.height / 2.0;
        let middle = self.top + radius;
        let nearest = x.clamp(self.left + radius, self.left + self.width - radius);
        (x - nearest).hypot(y - middle) <= radius + grown
    }
}

/// Rows of 5 bits, top to bottom.
type Glyph = [u8; 7];
const DIGITS: [Glyph; 10] = [
    [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
    [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
    [0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f],
    [0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e],
    [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
    [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
    [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
    [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
    [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
    [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
];
const PLUS: Glyph = [0x00, 0x04, 0x04, 0x1f, 0x04, 0x04, 0x00];
/// Units of a glyph's dot.
const DOT: f32 = 4.0;

/// What the tray does with the icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Shows it as it is.
    Coloured,
    /// Takes its shape alone and gives it one colour.
    Template,
}

impl Look {
    /// Whether it is the shape alone that counts.
    pub fn is_template(self) -> bool {
        self == Self::Template
    }
}

/// The base with its layers.
pub fn compose(base: &RgbaImage, dot: Dot, badge: u64, paused: bool, look: Look) -> RgbaImage {
    let mut icon = base.clone();
    if paused {
        draw_bar(&mut icon, base);
    }
    let colour = match dot {
        Dot::None => None,
        Dot::Connecting => Some(AMBER),
        Dot::Offline => Some(GREY),
        Dot::Attention => Some(RED),
    };
    if let Some(colour) = colour {
        let circle = Pill { left: 40.0, top: 40.0, width: 24.0, height: 24.0 };
        paint(&mut icon, |x, y| layer(circle, colour, x, y));
    }
    if badge > 0 {
        draw_badge(&mut icon, badge, look);
    }
    icon
}

/// A bar from the upper left to the lower right, in the base's own colour, with a gap on both sides so that it stands out.
fn draw_bar(icon: &mut RgbaImage, base: &RgbaImage) {
    let ink = base.pixels().find(|pixel| pixel[3] == 0xff).copied().unwrap_or(GREY);
    paint(icon, |x, y| {
        let along = f32::midpoint(x, y);
        let across = (x - y).abs() / std::f32::consts::SQRT_2;
        match across {
            _ if !(6.0..=GRID - 6.0).contains(&along) => None,
            _ if across <= 3.0 => Some(Paint::Over(ink)),
            _ if across <= 6.5 => Some(Paint::Clear),
            _ => None,
        }
    });
}

fn draw_badge(icon: &mut RgbaImage, badge: u64, look: Look) {
    let glyphs: &[Glyph] = match usize::try_from(badge) {
        Ok(number @ 1..=9) => &[DIGITS[number]],
        Ok(_) | Err(_) => &[DIGITS[9], PLUS],
    };
    // One column of dots between two glyphs. Two glyphs are drawn smaller, so that they leave the base to be seen.
    let (columns, dot) = if glyphs.len() == 1 { (5.0, DOT) } else { (11.0, DOT * 0.75) };
    let (text_width, text_height) = (columns * dot, 7.0 * dot);
    let height: f32 = 36.0;
    let width = height.max(text_width + 10.0);
    let pill = Pill { left: GRID - width, top: 0.0, width, height };
    let (text_left, text_top) = (pill.left + (width - text_width) / 2.0, (height - text_height) / 2.0);
    let ink = match look {
        Look::Coloured => Paint::Over(WHITE),
        // In one colour white digits would be lost in their pill: they are cut out of it.
        Look::Template => Paint::Clear,
    };
    paint(icon, |x, y| {
        let (column, row) = (((x - text_left) / dot).floor(), ((y - text_top) / dot).floor());
        if is_ink(glyphs, column, row) { Some(ink) } else { layer(pill, RED, x, y) }
    });
}

/// Whether the text has a dot in this column and row.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked to be within the small grid of glyphs
fn is_ink(glyphs: &[Glyph], column: f32, row: f32) -> bool {
    if !(0.0..64.0).contains(&column) || !(0.0..7.0).contains(&row) {
        return false;
    }
    let (column, row) = (column as usize, row as usize);
    let (glyph, within) = (column / 6, column % 6);
    within < 5 && glyphs.get(glyph).is_some_and(|glyph| glyph[row] & (0x10 >> within) != 0)
}

/// What a layer does to a point.
#[derive(Clone, Copy)]
enum Paint {
    /// This colour.
    Over(Rgba<u8>),
    /// Nothing is left, so that a layer stands out from the base on any panel.
    Clear,
}

fn layer(shape: Pill, colour: Rgba<u8>, x: f32, y: f32) -> Option<Paint> {
    if shape.holds(x, y, 0.0) {
        Some(Paint::Over(colour))
    } else if shape.holds(x, y, 3.0) {
        Some(Paint::Clear)
    } else {
        None
    }
}

/// Runs `paint` for the sample points of each pixel and mixes what it says with what is there.
#[allow(clippy::cast_precision_loss)] // sizes of icons
fn paint(icon: &mut RgbaImage, paint: impl Fn(f32, f32) -> Option<Paint>) {
    let (width, height) = (icon.width() as f32, icon.height() as f32);
    for (x, y, pixel) in icon.enumerate_pixels_mut() {
        let below = *pixel;
        let mut mix = Mix::default();
        let mut touched = false;
        for n in 0..SAMPLES * SAMPLES {
            let within = |n: u32| (n as f32 + 0.5) / SAMPLES as f32;
            let at_x = (x as f32 + within(n % SAMPLES)) * GRID / width;
            let at_y = (y as f32 + within(n / SAMPLES)) * GRID / height;
            match paint(at_x, at_y) {
                Some(Paint::Over(colour)) => mix.add(colour),
                Some(Paint::Clear) => mix.add(Rgba([0, 0, 0, 0])),
                None => {
                    mix.add(below);
                    continue;
                }
            }
            touched = true;
        }
        if touched {
            *pixel = mix.result();
        }
    }
}

/// The mean of colours, weighted by how opaque they are.
#[derive(Default)]
struct Mix {
    weighted: [u32; 3],
    alpha: u32,
    count: u32,
}

impl Mix {
    fn add(&mut self, colour: Rgba<u8>) {
        let [r, g, b, a] = colour.0.map(u32::from);
        for (sum, channel) in self.weighted.iter_mut().zip([r, g, b]) {
            *sum += channel * a;
        }
        self.alpha += a;
        self.count += 1;
    }

    #[allow(clippy::cast_possible_truncation)] // means of bytes
    fn result(&self) -> Rgba<u8> {
        let [r, g, b] = self.weighted.map(|sum| sum.checked_div(self.alpha).unwrap_or(0) as u8);
        Rgba([r, g, b, self.alpha.checked_div(self.count).unwrap_or(0) as u8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(size: u32) -> RgbaImage {
        RgbaImage::from_pixel(size, size, Rgba([10, 20, 30, 255]))
    }

    #[test]
    fn all_well_and_nothing_unread_is_the_base_alone() {
        assert_eq!(compose(&base(64), Dot::None, 0, false, Look::Coloured), base(64));
    }

    #[test]
    fn each_state_has_its_colour_at_the_lower_right_and_leaves_the_rest() {
        for (dot, colour) in [(Dot::Connecting, AMBER), (Dot::Offline, GREY), (Dot::Attention, RED)] {
            let icon = compose(&base(64), dot, 0, false, Look::Coloured);
            assert_eq!(*icon.get_pixel(52, 52), colour, "{dot:?}");
            assert_eq!(*icon.get_pixel(10, 10), *base(64).get_pixel(10, 10), "{dot:?} leaves the base");
            assert_eq!(icon.get_pixel(38, 52).0[3], 0, "{dot:?} is set off from the base");
        }
    }

    #[test]
    fn a_pause_is_a_bar_through_the_icon_set_off_on_both_sides() {
        let icon = compose(&base(64), Dot::None, 0, true, Look::Coloured);
        assert_eq!(*icon.get_pixel(32, 32), *base(64).get_pixel(32, 32), "the bar has the icon's own colour");
        for (x, y) in [(29, 36), (36, 29)] {
            assert_eq!(icon.get_pixel(x, y).0[3], 0, "set off at {x}, {y}");
        }
        assert_eq!(*icon.get_pixel(10, 50), *base(64).get_pixel(10, 50), "the rest is left");
    }

    #[test]
    fn the_badge_stands_at_the_upper_right_with_the_number_in_white() {
        for badge in 1..=9 {
            let icon = compose(&base(64), Dot::None, badge, false, Look::Coloured);
            let right_upper = icon.enumerate_pixels().filter(|(x, y, _)| *x >= 28 && *y < 36);
            let white = right_upper.filter(|(_, _, pixel)| **pixel == WHITE).count();
            let ink: u32 = DIGITS[usize::try_from(badge).unwrap()].iter().map(|row| row.count_ones()).sum();
            assert_eq!(white, usize::try_from(ink).unwrap() * 16, "the digit {badge}, 4 by 4 pixels a dot");
        }
    }

    #[test]
    fn ten_and_more_look_alike_and_differ_from_nine() {
        let ten = compose(&base(64), Dot::None, 10, false, Look::Coloured);
        assert_eq!(ten, compose(&base(64), Dot::None, u64::MAX, false, Look::Coloured));
        assert_ne!(ten, compose(&base(64), Dot::None, 9, false, Look::Coloured));
    }

    #[test]
    fn dot_and_badge_do_not_touch_and_scale_with_the_icon() {
        for size in [16, 22, 32, 128] {
            let icon = compose(&base(size), Dot::Connecting, 3, false, Look::Coloured);
            assert_eq!(*icon.get_pixel(size * 52 / 64, size * 54 / 64), AMBER, "the dot at {size} px");
            assert_eq!(*icon.get_pixel(size * 46 / 64, size * 2 / 64), RED, "the badge at {size} px");
        }
    }

    #[test]
    fn the_digits_of_a_template_are_cut_out_of_the_badge() {
        let coloured = compose(&base(64), Dot::None, 3, false, Look::Coloured);
        let template = compose(&base(64), Dot::None, 3, false, Look::Template);
        for (x, y, pixel) in coloured.enumerate_pixels().filter(|(_, _, pixel)| **pixel == WHITE) {
            assert_eq!(template.get_pixel(x, y).0[3], 0, "{x}, {y} was {pixel:?}");
        }
    }
}
