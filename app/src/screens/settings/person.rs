//! Who one is, how the window looks, and what others may take.

use egui::{Key, ThemePreference, Ui};
use lanspread_peer::api::{DEFAULT_PLAYING_LIMIT, SettingsChange};

use super::{State, between, peer, row};
use crate::action::{Action, Setting};
use crate::icon::Icon;
use crate::model::SettingsModel;
use crate::settings::ThemeChoice;
use crate::text::{Format, Language, SettingsText};
use crate::widgets::{Field, MenuItem, menu_field, menu_popup, segments, slider_row, toggle};

/// The slider's ends, in bytes a second; above the greatest there is no limit.
const LEAST: f32 = 1e6;
const MOST: f32 = 125e6;
const ZOOMS: [u16; 5] = [80, 100, 125, 150, 200];

pub(super) fn you(ui: &mut Ui, model: &SettingsModel, state: &mut State) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let mut action = None;
    row(ui, text.player_name(), text.name_for(), |ui| {
        let typed = state.name.get_or_insert_with(|| model.name.clone());
        let response = Field::new(typed, text.player_name()).width(200.0).limit(32).show(ui);
        if response.lost_focus() && !typed.trim().is_empty() && typed.trim() != model.name {
            let name = Some(typed.trim().to_owned());
            action = Some(peer(SettingsChange { name, ..SettingsChange::default() }));
        }
        if !response.has_focus() {
            state.name = None;
        }
    });
    between(ui);
    row(ui, text.language(), "", |ui| {
        let now = Language::of(ui.ctx());
        let field = menu_field(ui, text.language(), now.name(), 200.0);
        menu_popup(&field, 200.0, |ui| {
            for language in Language::ALL {
                if MenuItem::new(Icon::TRANSLATE, language.name()).chosen(language == now).show(ui) {
                    action = Some(Action::Set(Setting::Language(language)));
                }
            }
        });
    });
    between(ui);
    row(ui, text.theme(), "", |ui| {
        let parts = [
            (Some(Icon::MOON), text.dark()),
            (Some(Icon::SUN), text.light()),
            (Some(Icon::MONITOR), text.system()),
        ];
        let choices = [ThemeChoice::Dark, ThemeChoice::Light, ThemeChoice::System];
        let chosen = choices.iter().position(|choice| *choice == state.chosen.theme()).unwrap_or(0);
        let clicked = segments(ui, text.theme(), &parts, chosen).and_then(|index| choices.get(index));
        if let Some(choice) = clicked {
            action = Some(Action::Set(Setting::Theme(ThemePreference::from(*choice))));
        }
    });
    between(ui);
    action.or(zoom(ui))
}

fn zoom(ui: &mut Ui) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    row(ui, text.zoom(), text.zoom_keys(), |ui| {
        let factor = ui.ctx().zoom_factor();
        let chosen = ZOOMS.iter().position(|zoom| (f32::from(*zoom) / 100.0 - factor).abs() < 0.01);
        let names = ZOOMS.map(|zoom| Format::of(ui.ctx()).percent_above(zoom));
        let parts: Vec<_> = names.iter().map(|name| (None, name.as_str())).collect();
        let clicked = segments(ui, text.zoom(), &parts, chosen.unwrap_or(ZOOMS.len()))?;
        ZOOMS.get(clicked).map(|zoom| Action::Set(Setting::Zoom(*zoom)))
    })
}

pub(super) fn sharing(ui: &mut Ui, state: &mut State) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let (chosen, [upload, playing]) = (&state.chosen, &mut state.limits);
    let now = chosen.upload_limit.unwrap_or(0);
    let mut change = row(ui, text.upload_limit(), text.upload_for(), |ui| {
        let limit = limit(ui, text.upload_limit(), now, upload);
        limit.map(|limit| SettingsChange { upload_limit: Some(limit), ..SettingsChange::default() })
    });
    between(ui);
    let now = chosen.playing_limit.unwrap_or(DEFAULT_PLAYING_LIMIT);
    row(ui, text.playing_limit(), text.playing_for(), |ui| {
        if let Some(limit) = limit(ui, text.playing_limit(), now, playing) {
            change = Some(SettingsChange { playing_limit: Some(limit), ..SettingsChange::default() });
        }
    });
    between(ui);
    row(ui, text.fetch_ahead(), text.fetch_for(), |ui| {
        let now = chosen.fetch_ahead.unwrap_or(true);
        if toggle(ui, text.fetch_ahead(), now).clicked() {
            change = Some(SettingsChange { fetch_ahead: Some(!now), ..SettingsChange::default() });
        }
    });
    change.map(peer)
}

/// A slider, and a field for exact numbers beside it; answers another limit.
fn limit(ui: &mut Ui, name: &str, now: u64, typed: &mut Option<String>) -> Option<u64> {
    let (text, format) = (SettingsText::of(ui.ctx()), Format::of(ui.ctx()));
    let said = if now == 0 { text.no_limit().to_owned() } else { format.rate(now) };
    let exact = text.exactly(name);
    let words = typed.get_or_insert(said);
    let response = Field::new(words, &exact).width(110.0).limit(24).show(ui);
    let is_entered = response.lost_focus() && !ui.input(|input| input.key_pressed(Key::Escape));
    let mut changed = if is_entered { parse_limit(words) } else { None };
    if !response.has_focus() {
        *typed = None;
    }
    let (_, moved) = slider_row(ui, name, place_of(now), 180.0);
    changed = changed.or(moved.map(limit_at));
    changed.filter(|limit| *limit != now)
}

/// `20`, `20 MB/s`, `1,5`: megabytes a second; no number is no limit, nonsense changes nothing.
fn parse_limit(words: &str) -> Option<u64> {
    let number: String =
        words.trim().chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let rest = words.trim()[number.len()..].trim().to_lowercase();
    if number.is_empty() {
        return (rest.is_empty() || rest.contains("no") || rest.contains("kein")).then_some(0);
    }
    let number: f64 = number.replace(',', ".").parse().ok()?;
    let unit = match rest.trim_end_matches("/s") {
        "kb" => 1e3,
        "" | "mb" | "m" => 1e6,
        "gb" => 1e9,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; too much is the most"
    )]
    Some((number * unit).round() as u64)
}

/// The slider's place of a limit: doubling moves it by as much everywhere.
fn place_of(limit: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a place to look at")]
    let limit = limit as f32;
    if limit == 0.0 { 1.0 } else { ((limit / LEAST).ln() / (MOST / LEAST).ln()).clamp(0.0, 0.97) }
}

fn limit_at(place: f32) -> u64 {
    if place > 0.98 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the slider's ends")]
    let megabytes = (LEAST * (MOST / LEAST).powf(place) / 1e6).round() as u64;
    megabytes * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_people_write_them() {
        for (words, limit) in [
            ("20", Some(20_000_000)),
            ("20 MB/s", Some(20_000_000)),
            ("1,5 mb/s", Some(1_500_000)),
            ("900 kB/s", Some(900_000)),
            ("No limit", Some(0)),
            ("Keine Grenze", Some(0)),
            ("", Some(0)),
            ("fast", None),
            ("5 apples", None),
        ] {
            assert_eq!(parse_limit(words), limit, "{words}");
        }
    }

    #[test]
    fn the_slider_leads_back_to_its_limit() {
        for limit in [1_000_000, 4_000_000, 20_000_000, 100_000_000, 0] {
            assert_eq!(limit_at(place_of(limit)), limit);
        }
    }
}
