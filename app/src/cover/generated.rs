//! Covers made from a game's id: a gradient, a quiet motif. The initials are drawn over them as text.

use egui::{Color32, ColorImage};

use super::fnv_1a;
use crate::theme;

/// Twice the size of a card's cover.
const WIDTH: usize = 344;
const HEIGHT: usize = 459;

/// A colour's angle for a name.
pub fn hue(name: &str) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "below 360")]
    {
        (fnv_1a(name) % 360) as f32
    }
}

/// Two letters: of the first two words, or of the only one.
pub fn initials(title: &str) -> String {
    let words: Vec<&str> =
        title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let letters: String = match words.as_slice() {
        [first, second, ..] => first.chars().take(1).chain(second.chars().take(1)).collect(),
        [only] => only.chars().take(2).collect(),
        [] => "?".to_owned(),
    };
    letters.to_uppercase()
}

/// Paints the cover of a game, without its initials.
pub fn draw(id: &str) -> ColorImage {
    let hue = hue(id);
    let (top, bottom) = (theme::hsl(hue, 0.52, 0.46), theme::hsl(hue + 46.0, 0.58, 0.22));
    let motif = Motif::of(fnv_1a(id));
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred pixels")]
            let (x, y) = ((x as f32 + 0.5) / WIDTH as f32, (y as f32 + 0.5) / WIDTH as f32);
            #[expect(clippy::cast_precision_loss, reason = "a few hundred pixels")]
            let height = HEIGHT as f32 / WIDTH as f32;
            let way = (x + y * height) / (1.0 + height * height);
            let ground = top.lerp_to_gamma(bottom, way.clamp(0.0, 1.0));
            pixels.push(ground.lerp_to_gamma(Color32::WHITE, motif.opacity(x, y)));
        }
    }
    ColorImage::new([WIDTH, HEIGHT], pixels)
}

/// What is drawn into a cover in 5 to 7 % white. Places are in widths of the cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motif {
    /// From the top right corner.
    Rings,
    /// Diagonal.
    Bands,
    Triangles,
}

impl Motif {
    const fn of(hash: u32) -> Self {
        match (hash >> 9) % 3 {
            0 => Self::Rings,
            1 => Self::Bands,
            _ => Self::Triangles,
        }
    }

    fn opacity(self, x: f32, y: f32) -> f32 {
        match self {
            Self::Rings => {
                let from_corner = (x - 1.0).hypot(y);
                let ring = |radius: f32| edge(0.045 - (from_corner - radius).abs());
                0.07 * (ring(0.3) + ring(0.52) + ring(0.74)).min(1.0)
            }
            Self::Bands => {
                let across = x + y * 0.6;
                let band = |from: f32, to: f32| edge(across - from) * edge(to - across);
                0.05 * (band(0.35, 0.6) + band(0.8, 0.95) + band(1.15, 1.45)).min(1.0)
            }
            Self::Triangles => {
                let peak = |at: f32, top: f32, slope: f32| edge(y - top - (x - at).abs() * slope);
                0.05 * peak(0.72, 0.55, 0.9) + 0.05 * peak(0.2, 0.85, 0.7)
            }
        }
    }
}

/// From 0 to 1 within a pixel around 0.
fn edge(distance: f32) -> f32 {
    (distance * 344.0 + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_two_letters() {
        for (title, letters) in [
            ("BZFlag", "BZ"),
            ("0 A.D.", "0A"),
            ("The Battle for Wesnoth", "TB"),
            ("Ü", "Ü"),
            ("", "?"),
            ("…", "?"),
        ] {
            assert_eq!(initials(title), letters, "{title}");
        }
    }

    #[test]
    fn a_cover_belongs_to_its_game() {
        assert_eq!(draw("bzflag"), draw("bzflag"));
        assert_ne!(draw("bzflag"), draw("neverball"));
    }
}
