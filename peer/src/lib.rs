pub mod disk;
pub mod publish;
