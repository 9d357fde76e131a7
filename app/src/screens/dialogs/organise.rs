//! Who wants to publish becomes the party's organiser: with a new key, or with one that is there.

use egui::Ui;

use super::{buttons, head, text};
use crate::action::{Action, FileFor};
use crate::icon::Icon;
use crate::text::{Common, PublishText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, Dialog, Field, Meaning, label};

pub(super) fn show(ui: &Ui, party: &mut String) -> Option<Action> {
    let (words, common) = (PublishText::of(ui.ctx()), Common::of(ui.ctx()));
    let title = words.organise_title();
    let outcome = Dialog::new(title).width(600.0).show(ui, |ui, is_new| {
        let theme = Theme::of(ui);
        head(ui, Meaning::Good, Icon::CROWN_SIMPLE, title, words.organise_what());
        text(ui, words.organise_key(), theme.text_2);
        ui.add_space(8.0);
        label(ui, words.party_name(), theme::medium(theme::DENSE), theme.text_1);
        let width = ui.available_width();
        let field = Field::new(party, words.party_name()).placeholder("LAN Nord 2026").width(width).limit(60);
        let field = field.show(ui);
        if is_new {
            field.request_focus();
        }
        let name = party.trim().to_owned();
        let why = name.is_empty().then(|| words.party_needs_name());
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        buttons(ui, |ui| {
            let make = Button::primary(words.make_key()).icon(Icon::KEY).disabled(why).show(ui);
            let load = Button::new(words.use_key()).show(ui);
            let cancel = Button::new(common.cancel()).kind(ButtonKind::Ghost).show(ui);
            if (make.clicked() || entered) && why.is_none() {
                return Some(Action::Organise(name));
            }
            if load.clicked() {
                return Some(Action::ChooseFiles(FileFor::OrganiserKey));
            }
            cancel.clicked().then_some(Action::CloseDialog)
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}
