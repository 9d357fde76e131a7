//! Every scene, compared with its picture: in both themes, in a small German window, large, and dense.
//!
//! All differences are told at once, so that `UPDATE_SNAPSHOTS=1` makes every picture anew.

use egui::{Theme, vec2};
use lanspread_app::text::Language;

use crate::harness::{Look, open, picture};
use crate::scenes::{SCENES, Scene, named};

fn compare<'a>(of: impl IntoIterator<Item = (Scene, &'a str, Look)>) {
    let differences: Vec<String> = of
        .into_iter()
        .filter_map(|(scene, suffix, look)| {
            let mut window = open(look, (scene.shown)());
            (scene.then)(&mut window);
            picture(&mut window, &format!("{}-{suffix}", scene.name)).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_scene_in_the_dark_theme() {
    compare(SCENES.iter().map(|scene| (*scene, "dark", Look::default())));
}

#[test]
fn every_scene_in_the_light_theme() {
    let look = Look { theme: Theme::Light, ..Look::default() };
    compare(SCENES.iter().map(|scene| (*scene, "light", look)));
}

/// German is a third longer, and this is the smallest window there is.
#[test]
fn every_screen_small_at_150_percent_in_german() {
    let look = Look { size: vec2(960.0, 600.0), scale: 1.5, language: Language::German, ..Look::default() };
    let light = Look { theme: Theme::Light, ..look };
    compare(
        [
            ("card-states", look),
            ("details-downloading", light),
            ("details-update", look),
            ("dialog-update", light),
            ("dialog-remove", look),
            ("dialog-organise", look),
            ("downloads", light),
            ("party", look),
            ("settings", light),
            ("first-run", look),
            ("publish", light),
        ]
        .map(|(name, look)| (named(name), "small-german", look)),
    );
}

/// The smallest window at a zoom of 150 %, or 1280 x 720 at 200 %.
#[test]
fn a_tiny_window_in_german() {
    let look = Look { size: vec2(640.0, 400.0), language: Language::German, ..Look::default() };
    let scenes = [
        "library-empty",
        "card-states",
        "details-downloading",
        "downloads",
        "party",
        "settings",
        "dialog-update",
    ];
    compare(scenes.map(|name| (named(name), "tiny-german", look)));
}

#[test]
fn a_large_window_and_a_dense_screen() {
    let large = Look { size: vec2(1920.0, 1080.0), ..Look::default() };
    let dense = Look { size: vec2(960.0, 600.0), scale: 2.0, ..Look::default() };
    compare([(named("library"), "large", large), (named("downloads"), "dense", dense)]);
}
