//! A card's menu, by the right mouse button.

use egui::Response;

use super::card::intent;
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Card, CardState, Stop};
use crate::text::Common;
use crate::widgets::{MenuItem, context_menu, menu_line};

pub(super) fn show(anchor: &Response, card: &Card) -> Option<Action> {
    let text = Common::of(&anchor.ctx);
    let game = || card.id.clone();
    let not_here = (!card.has_payload && !card.is_installed).then(|| text.nothing_runs_here());
    let not_installed = (!card.is_installed).then(|| text.nothing_runs_here());
    context_menu(anchor, 232.0, |ui| {
        let mut action = None;
        if let Some((icon, label)) = first(text, card)
            && MenuItem::new(icon, label).keys("Enter").show(ui)
        {
            action = intent(card);
        }
        if MenuItem::new(Icon::INFO, text.details()).keys("Space").show(ui) {
            action = Some(Action::OpenDetails(game()));
        }
        menu_line(ui);
        if MenuItem::new(Icon::FOLDER_OPEN, text.open_folder()).keys("Ctrl O").disabled(not_here).show(ui) {
            action = Some(Action::OpenFolder(game()));
        }
        let not_downloaded = (!card.has_payload).then(|| text.nothing_runs_here());
        if MenuItem::new(Icon::SEAL_CHECK, text.verify_files()).disabled(not_downloaded).show(ui) {
            action = Some(Action::Command(lanspread_engine::Command::Verify { game: game() }));
        }
        menu_line(ui);
        if MenuItem::new(Icon::ERASER, text.uninstall_ask()).disabled(not_installed).show(ui) {
            action = Some(Action::uninstall(game()));
        }
        let remove = MenuItem::new(Icon::TRASH, text.remove_download_ask()).keys("Del").removes();
        if remove.disabled(not_downloaded).show(ui) {
            action = Some(Action::remove(game()));
        }
        action
    })
    .flatten()
}

/// The card's own action.
const fn first(text: Common, card: &Card) -> Option<(Icon, &'static str)> {
    match card.state {
        CardState::Play => Some((Icon::PLAY, text.play())),
        CardState::Update { .. } => Some((Icon::ARROWS_CLOCKWISE, text.update_ask())),
        CardState::Install => Some((Icon::PACKAGE, text.install())),
        CardState::Download { .. } => Some((Icon::DOWNLOAD_SIMPLE, text.download())),
        CardState::Stopped { why: Stop::Paused, .. } => Some((Icon::PLAY, text.resume())),
        CardState::Downloading { .. }
        | CardState::Stopped { .. }
        | CardState::Waiting { .. }
        | CardState::Working { .. }
        | CardState::Running
        | CardState::Failed(_)
        | CardState::NotOnTheLan => None,
    }
}
