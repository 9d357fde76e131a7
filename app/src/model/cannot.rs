//! What cannot be done with a game now, and why not: in its details and in its card's menu.

use lanspread_engine::{GameView, LocalState};

use super::operation;

/// Why each of these is off; `None`: it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cannot {
    pub verify: Option<Hindrance>,
    pub open_folder: Option<Hindrance>,
    pub uninstall: Option<Hindrance>,
    pub remove: Option<Hindrance>,
}

/// What is in an action's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    NothingHere,
    NotDownloaded,
    NotInstalled,
    Busy,
    Running,
}

impl Cannot {
    pub fn of(game: &GameView) -> Self {
        let has_payload = game.local.as_ref().is_some_and(|local| local.state != LocalState::LocalOnly);
        let at_work = match (operation(game), game.running.is_empty()) {
            (_, false) => Some(Hindrance::Running),
            (Some(_), true) => Some(Hindrance::Busy),
            (None, true) => None,
        };
        let unless = |is_there: bool, why: Hindrance| if is_there { at_work } else { Some(why) };
        let is_here = game.local.is_some() || game.installed;
        Self {
            verify: unless(has_payload, Hindrance::NotDownloaded),
            open_folder: (!is_here && operation(game).is_none()).then_some(Hindrance::NothingHere),
            uninstall: unless(game.installed, Hindrance::NotInstalled),
            remove: unless(has_payload, Hindrance::NotDownloaded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::GameSample;

    #[test]
    fn what_is_off_says_why() {
        let game = GameSample::new("game", "Game");
        let of = |game: GameSample| game.card(true).cannot;
        let nothing = of(game.clone());
        assert_eq!(nothing.open_folder, Some(Hindrance::NothingHere));
        assert_eq!(nothing.uninstall, Some(Hindrance::NotInstalled));
        assert_eq!(nothing.remove, Some(Hindrance::NotDownloaded));
        let installed = of(game.clone().installed());
        assert_eq!((installed.verify, installed.uninstall, installed.remove), (None, None, None));
        assert_eq!(of(game.clone().installed().running()).remove, Some(Hindrance::Running));
        assert_eq!(of(game.installed().waiting()).verify, Some(Hindrance::Busy));
    }
}
