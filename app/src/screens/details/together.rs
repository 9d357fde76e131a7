//! Playing with others: their servers to join, and one of one's own.

use egui::{ScrollArea, Ui};

use super::primary::large;
use crate::action::{Action, Start};
use crate::icon::Icon;
use crate::model::DetailsModel;
use crate::text::DetailsText;
use crate::theme;
use crate::widgets::{Button, ButtonKind, ButtonSize, MenuItem, icon_button, menu_popup, text_width};

/// A program that is started for it.
struct Way {
    label: String,
    icon: Icon,
    kind: ButtonKind,
    start: Start,
}

impl Way {
    fn button(&self) -> Button<'_> {
        large(&self.label, self.icon, self.kind)
    }
}

/// As many buttons as fit; what does not is behind a menu's.
pub(super) fn show(ui: &mut Ui, model: &DetailsModel) -> Option<Action> {
    let ways = ways(DetailsText::of(ui.ctx()), model);
    let widths: Vec<f32> = ways.iter().map(|way| way.button().natural_width(ui)).collect();
    let more = ButtonSize::Large.height();
    let shown = fitting(&widths, ui.spacing().item_spacing.x, ui.available_width(), more);
    let (shown, hidden) = ways.split_at(shown);
    let mut start = None;
    for way in shown {
        if way.button().show(ui).clicked() {
            start = Some(&way.start);
        }
    }
    if !hidden.is_empty() {
        start = menu(ui, hidden).or(start);
    }
    start.cloned().map(Action::Start)
}

fn ways(text: DetailsText, model: &DetailsModel) -> Vec<Way> {
    let start = |entry, server| Start { game: model.card.id.clone(), entry: Some(entry), server };
    let servers = model.servers.iter().map(|server| Way {
        label: text.join(&server.name),
        icon: Icon::USERS_THREE,
        kind: ButtonKind::Secondary,
        start: start("join", Some(server.address)),
    });
    let host = model.can_host.then(|| Way {
        label: text.start_server().to_owned(),
        icon: Icon::HARD_DRIVES,
        kind: ButtonKind::Ghost,
        start: start("server", None),
    });
    servers.chain(host).collect()
}

/// How many stand in a row with this much room; unless all do, the menu's button must stand behind them.
fn fitting(widths: &[f32], gap: f32, room: f32, more: f32) -> usize {
    let end = |count: usize| widths.iter().take(count).map(|width| width + gap).sum::<f32>();
    let fits = |count: &usize| end(*count) + more <= room;
    if end(widths.len()) - gap <= room { widths.len() } else { (1..widths.len()).take_while(fits).count() }
}

fn menu<'a>(ui: &mut Ui, ways: &'a [Way]) -> Option<&'a Start> {
    let more = DetailsText::of(ui.ctx()).more();
    let button = icon_button(ui, Icon::DOTS_THREE, more, ButtonKind::Ghost, ButtonSize::Large);
    let font = theme::medium(theme::DENSE);
    let widths = ways.iter().map(|way| text_width(ui.painter(), &way.label, font.clone()));
    // The icon before the words, the margin behind them.
    let width = widths.fold(160.0, f32::max) + 52.0;
    menu_popup(&button, width, |ui| {
        let mut start = None;
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for way in ways {
                if MenuItem::new(way.icon, &way.label).show(ui) {
                    start = Some(&way.start);
                }
            }
        });
        start
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_leaves_room_for_the_menu() {
        let cases: &[(&[f32], f32, usize)] = &[
            (&[], 0.0, 0),
            (&[100.0], 100.0, 1),
            (&[100.0], 99.0, 0),
            (&[100.0, 100.0], 210.0, 2),
            (&[100.0, 100.0], 209.0, 1),
            (&[100.0, 100.0, 100.0], 268.0, 2),
            (&[100.0, 100.0, 100.0], 267.0, 1),
        ];
        for (widths, room, shown) in cases {
            assert_eq!(fitting(widths, 10.0, *room, 48.0), *shown, "{widths:?} in {room}");
        }
    }
}
