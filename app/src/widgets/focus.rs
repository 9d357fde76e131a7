//! The keyboard's focus while something lies over what had it.

use egui::{Context, Id};

/// What has the focus under a panel or a dialog: it loses it while that is open, and gets it back.
///
/// Else keys would still go to a card that lies under the panel, and the tabulator, which begins after what has the focus,
/// would find nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct FocusBelow(Below);

#[derive(Clone, Copy, Debug, Default)]
enum Below {
    #[default]
    Open,
    Covered(Option<Id>),
}

impl FocusBelow {
    /// To be called in each frame, before what lies above is drawn.
    pub fn keep(&mut self, ctx: &Context, is_covered: bool) {
        match (self.0, is_covered) {
            (Below::Open, true) => {
                let focused = ctx.memory(egui::Memory::focused);
                if let Some(id) = focused {
                    ctx.memory_mut(|memory| memory.surrender_focus(id));
                }
                self.0 = Below::Covered(focused);
            }
            (Below::Covered(focused), false) => {
                if let Some(id) = focused {
                    ctx.memory_mut(|memory| memory.request_focus(id));
                }
                self.0 = Below::Open;
            }
            (Below::Open, false) | (Below::Covered(_), true) => {}
        }
    }
}

/// Nothing lies over this layer that takes the keys.
pub fn takes_keys(ui: &egui::Ui) -> bool {
    ui.memory(|memory| memory.is_above_modal_layer(ui.layer_id()))
}
