//! The library: search, chips, sort, and the grid of cards.

mod card;
mod empty;
mod grid;
mod menu;
mod tools;

pub(super) use card::{bar_look, fill, intent, panel_key, picture};
use egui::{Id, Key, Ui};
use lanspread_protocol::GameId;

use super::Scene;
use crate::action::Action;
use crate::model::{Filter, LibraryModel, Sort};
use crate::widgets::takes_keys;

/// The skeleton says what it waits for only when that takes a while.
const READING_AFTER_SECS: f64 = 0.3;

/// What a person does here that is no game's state.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub search: String,
    pub filter: Filter,
    pub sort: Sort,
    /// The card that the keyboard moved to, to be scrolled into view and given the focus.
    go_to: Option<GameId>,
    /// Since when the games folder is read, in egui's seconds.
    loading_since: Option<f64>,
}

impl State {
    /// All games of a chip, in an order.
    pub fn browse(&mut self, filter: Filter, sort: Sort) {
        self.search.clear();
        (self.filter, self.sort) = (filter, sort);
    }
}

/// The search field's, so that keys can bring the focus there.
fn search_id() -> Id {
    Id::unique("library-search")
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &LibraryModel, state: &mut State) -> Option<Action> {
    keys(ui, state);
    let grid_top = tools::show(ui, &scene.places, model, state);
    let area = scene.places.page.with_min_y(grid_top);
    if model.is_loading {
        grid::skeleton(ui, area);
        let now = ui.input(|input| input.time);
        // Mostly it is done before anybody has read a line.
        if now - *state.loading_since.get_or_insert(now) >= READING_AFTER_SECS {
            empty::reading(ui, area);
        }
        return None;
    }
    state.loading_since = None;
    if model.cards.is_empty() {
        return empty::show(ui, area, model, state);
    }
    grid::show(ui, area, scene.covers, model, state)
}

fn keys(ui: &Ui, state: &mut State) {
    if !takes_keys(ui) {
        return;
    }
    let (find, slash, escape) = ui.input(|input| {
        (
            input.modifiers.command && input.key_pressed(Key::F),
            input.key_pressed(Key::Slash),
            input.key_pressed(Key::Escape),
        )
    });
    let is_typing = ui.ctx().text_edit_focused();
    if find || (slash && !is_typing) {
        ui.memory_mut(|memory| memory.request_focus(search_id()));
    }
    if escape && ui.memory(|memory| memory.has_focus(search_id())) {
        state.search.clear();
    }
}
