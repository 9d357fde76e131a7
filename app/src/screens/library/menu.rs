//! A card's menu, by the right mouse button. What cannot be done now stays in it, and says why.

use egui::Response;
use lanspread_engine::Command;

use super::card::intent;
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Card, CardState, Hindrance, Stop};
use crate::text::{Common, DetailsText};
use crate::widgets::{MenuItem, context_menu, menu_line};

pub(super) fn show(anchor: &Response, card: &Card) -> Option<Action> {
    let (text, details) = (Common::of(&anchor.ctx), DetailsText::of(&anchor.ctx));
    let (game, cannot) = (|| card.id.clone(), card.cannot);
    let why = |hindrance: Option<Hindrance>| hindrance.map(|hindrance| details.why_not(hindrance));
    context_menu(anchor, 232.0, |ui| {
        let mut action = None;
        let (first, does) = first(text, details, card);
        if first.show(ui) {
            action = does;
        }
        if MenuItem::new(Icon::INFO, text.details()).keys(text.key_space()).show(ui) {
            action = Some(Action::OpenDetails(game()));
        }
        menu_line(ui);
        let open = MenuItem::new(Icon::FOLDER_OPEN, text.open_folder()).keys(text.key_open());
        if open.disabled(why(cannot.open_folder)).show(ui) {
            action = Some(Action::OpenFolder(game()));
        }
        let verify = MenuItem::new(Icon::SEAL_CHECK, text.verify_files());
        if verify.disabled(why(cannot.verify)).show(ui) {
            action = Some(Action::Command(Command::Verify { game: game() }));
        }
        menu_line(ui);
        let uninstall = MenuItem::new(Icon::ERASER, text.uninstall_ask());
        if uninstall.disabled(why(cannot.uninstall)).show(ui) {
            action = Some(Action::uninstall(game()));
        }
        let remove = MenuItem::new(Icon::TRASH, text.remove_download_ask()).keys(text.key_delete()).removes();
        if remove.disabled(why(cannot.remove)).show(ui) {
            action = Some(Action::remove(game()));
        }
        action
    })
    .flatten()
}

/// The card's own action; while something else is done with the game, what is possible again afterwards.
fn first(text: Common, details: DetailsText, card: &Card) -> (MenuItem<'static>, Option<Action>) {
    let own = |state| own(text, details, state).keys(text.key_enter());
    match card.state {
        CardState::Downloading { .. } | CardState::Waiting { .. } | CardState::Stopped { .. }
            if intent(card).is_none() =>
        {
            let pause = Action::Command(Command::Pause { game: card.id.clone() });
            (MenuItem::new(Icon::PAUSE, text.pause()), Some(pause))
        }
        CardState::Running => (own(card.untroubled).disabled(Some(details.is_running())), None),
        CardState::Working { .. } => (own(card.untroubled).disabled(Some(details.why_busy())), None),
        CardState::Play
        | CardState::Update { .. }
        | CardState::Install
        | CardState::Download { .. }
        | CardState::Downloading { .. }
        | CardState::Waiting { .. }
        | CardState::Stopped { .. }
        | CardState::Failed(_)
        | CardState::NotOnTheLan => (own(card.state), intent(card)),
    }
}

/// What a game in this state has to offer.
const fn own(text: Common, details: DetailsText, state: CardState) -> MenuItem<'static> {
    match state {
        CardState::Play => MenuItem::new(Icon::PLAY, text.play()),
        CardState::Update { .. } => MenuItem::new(Icon::ARROWS_CLOCKWISE, text.update_ask()),
        CardState::Install => MenuItem::new(Icon::PACKAGE, text.install()),
        CardState::Download { .. } => MenuItem::new(Icon::DOWNLOAD_SIMPLE, text.download()),
        CardState::Stopped { why: Stop::Paused, .. } => MenuItem::new(Icon::PLAY, text.resume()),
        CardState::Failed(_) => MenuItem::new(Icon::WARNING_CIRCLE, details.what_happened()),
        CardState::Downloading { .. }
        | CardState::Stopped { .. }
        | CardState::Waiting { .. }
        | CardState::Working { .. }
        | CardState::Running
        | CardState::NotOnTheLan => {
            MenuItem::new(Icon::DOWNLOAD_SIMPLE, text.download()).disabled(Some(details.nobody_has_it()))
        }
    }
}
