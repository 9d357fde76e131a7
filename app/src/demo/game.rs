//! A sample game: a small window that names the game, its version and its player.

use egui::{Align, CentralPanel, Frame, Key, Layout, ViewportBuilder, ViewportCommand};

use crate::icon::Icon;
use crate::text::{DemoText, Language};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonSize, avatar_at, label};

/// What a game says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoGame {
    pub title: String,
    pub version: String,
    pub player: String,
}

impl DemoGame {
    pub fn viewport(&self) -> ViewportBuilder {
        ViewportBuilder::default()
            .with_app_id("lanspread-demo-game")
            .with_title(format!("{} {}", self.title, self.version))
            .with_inner_size([420.0, 300.0])
            .with_resizable(false)
    }

    pub fn set_up(ctx: &egui::Context) {
        theme::set_up(ctx);
        ctx.set_theme(egui::ThemePreference::Dark);
        Language::of_system().set(ctx);
    }

    fn show(&self, ui: &mut egui::Ui) -> bool {
        let (text, theme) = (DemoText::of(ui.ctx()), Theme::of(ui));
        let mut is_over = ui.input(|input| input.key_pressed(Key::Escape));
        CentralPanel::default().frame(Frame::new().fill(theme.bg).inner_margin(24.0)).show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.y = 10.0;
                let (rect, _) = ui.allocate_exact_size(egui::vec2(64.0, 64.0), egui::Sense::hover());
                avatar_at(ui.painter(), rect.center(), &self.player, 64.0);
                label(ui, &self.title, theme::bold(theme::HERO), theme.text_1);
                label(ui, &text.version(&self.version), theme::medium(theme::BODY), theme.accent);
                label(ui, &text.player(&self.player), theme::regular(theme::BODY), theme.text_2);
                label(ui, text.not_a_game(), theme::regular(theme::META), theme.text_3);
                ui.add_space(8.0);
                let quit = Button::primary(text.quit()).icon(Icon::CHECK.bold()).size(ButtonSize::Row);
                is_over |= quit.show(ui).clicked();
            });
        });
        is_over
    }
}

impl eframe::App for DemoGame {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if self.show(ui) {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
    }
}
