//! The games folder cannot be used: what is wrong, and the ways out.

use egui::{Sense, Ui, vec2};

use super::{buttons, focus_first, head, text};
use crate::action::{Action, FolderTrouble};
use crate::icon::Icon;
use crate::model::FolderModel;
use crate::text::DialogsText;
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, Dialog, Meaning, draw_icon, label};

pub(super) fn show(ui: &Ui, model: &FolderModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let path = model.games.display().to_string();
    let (icon, title, what, advice) = match model.trouble {
        FolderTrouble::Gone => (Icon::USB, words.folder_gone(), words.not_reached(&path), words.plug_in()),
        FolderTrouble::NotWritable => {
            (Icon::LOCK, words.folder_locked(), words.not_writable(&path), words.choose_other())
        }
        FolderTrouble::NoFolder => {
            (Icon::FILE, words.folder_is_file(), words.is_a_file(&path), words.choose_other_folder())
        }
        FolderTrouble::InUse => {
            (Icon::FOLDER, words.folder_in_use(), words.runs_already(&path), words.close_other())
        }
    };
    let outcome = Dialog::new(title).show(ui, |ui, is_new| {
        head(ui, Meaning::Bad, icon, title, &what);
        text(ui, advice, Theme::of(ui).text_2);
        if model.trouble == FolderTrouble::Gone {
            looking(ui, words.looking_for_drive());
        }
        buttons(ui, |ui| {
            let again = Button::primary(words.try_again()).show(ui);
            focus_first(&again, is_new);
            let choose = Button::new(words.choose_folder()).show(ui);
            let quit = Button::new(words.quit_lanspread()).kind(ButtonKind::Ghost).show(ui);
            if choose.clicked() {
                return Some(Action::ChooseAgain);
            }
            if quit.clicked() {
                return Some(Action::Quit);
            }
            again.clicked().then_some(Action::Restart)
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

/// It stands still: a drive may stay away all night, and no frame is drawn for it.
fn looking(ui: &mut Ui, words: &str) {
    let theme = Theme::of(ui);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(14.0, 18.0), Sense::hover());
        draw_icon(ui.painter(), place.center(), Icon::CIRCLE_NOTCH, 14.0, theme.text_3);
        label(ui, words, theme::regular(theme::META), theme.text_3);
    });
}
